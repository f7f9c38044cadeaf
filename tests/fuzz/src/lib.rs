//! What the fuzz targets do with their input. The ordinary tests replay every input that ever failed through the same functions.

use std::net::Ipv4Addr;

use vpcsim_wire::{Summary, fragment, rewrite, summarize};

/// Parses a packet every way there is, rewrites it and parses it again.
pub fn packet(data: &[u8]) {
    let _ = vpcsim_wire::describe(data);
    let _ = vpcsim_wire::Arp::parse(data);
    let _ = vpcsim_wire::Frame::parse(data);
    let _ = fragment(data, 576);
    let Ok(mut summary) = summarize(data) else { return };
    let mut bytes = data.to_vec();
    let (source, destination) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
    rewrite::set_source(&mut bytes, &mut summary, source, Some(1));
    rewrite::set_destination(&mut bytes, &mut summary, destination, Some(2));
    rewrite::clamp_mss(&mut bytes, &summary, 1_000);
    rewrite::decrement_ttl(&mut bytes);
    let after: Summary = summarize(&bytes).expect("a rewritten packet is a packet");
    assert_eq!((after.source(), after.destination()), (source, destination));
    assert_eq!(after.key, summary.key);
}

/// Reads a design from one file.
pub fn design(name: &str, data: &[u8]) {
    let source = vpcsim_import::Source {
        name: name.to_owned(),
        bytes: data.to_vec(),
    };
    let design = vpcsim_import::read(vec![source]);
    if !design.findings.has_errors() {
        let _ = vpcsim_import::write_native(&design.topology);
    }
}

/// Reads a line of a flow file.
pub fn flow_line(data: &[u8]) {
    let _ = serde_json::from_slice::<vpcsim_analysis::FlowQuery>(data);
}
