//! The integration tests of vpcsim: whole designs, read, simulated and judged.

#[cfg(test)]
mod analyzer_codes;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod blockers;
#[cfg(test)]
mod botocore;
#[cfg(test)]
mod captures;
#[cfg(test)]
mod designs;
#[cfg(test)]
mod determinism;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod exact_balancers;
#[cfg(test)]
mod expectations;
#[cfg(test)]
mod explained_codes;
#[cfg(test)]
mod flow_cache;
#[cfg(test)]
mod four_ways;
#[cfg(test)]
mod fuzz_replay;
#[cfg(test)]
mod inventory;
#[cfg(test)]
mod latencies;
#[cfg(test)]
mod measured;
#[cfg(test)]
mod network_insights;
#[cfg(test)]
mod peer_cases;
#[cfg(test)]
mod print;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod saved_answers;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod topologies;
