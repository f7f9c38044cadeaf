//! Account and region of a describe file, as far as its path says them.

/// Where a file's content belongs; empty where the path does not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The account's twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The id of a prefix list in the file's name, for answers that do not say it themselves.
    pub prefix_list: Option<String>,
}

/// Reads `…/accounts/ID/REGION/…`, `…/REGION/…`, `…/ID/REGION/…`.
pub(super) fn of_path(path: &str) -> Place {
    let mut place = Place::default();
    for part in path.split(['/', '\\']) {
        if part.len() == 12 && part.bytes().all(|digit| digit.is_ascii_digit()) {
            part.clone_into(&mut place.account);
        } else if is_region(part) {
            part.clone_into(&mut place.region);
        }
    }
    if let Some(at) = path.find("pl-") {
        let tail = &path[at + 3..];
        let digits = tail
            .find(|digit: char| !digit.is_ascii_hexdigit())
            .unwrap_or(tail.len());
        place.prefix_list = (digits >= 8).then(|| path[at..at + 3 + digits].to_owned());
    }
    if place.region.is_empty() {
        // Flat folders put the region into the name: `Vpcs-us-west-2.json`.
        let stem = path
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .split('.')
            .next()
            .unwrap_or_default();
        let dashes = stem.match_indices('-').map(|(at, _)| &stem[at + 1..]);
        if let Some(region) = dashes.into_iter().find(|tail| is_region(tail)) {
            region.clone_into(&mut place.region);
        }
    }
    place
}

/// `eu-west-1`, `us-gov-west-1`, `ap-southeast-2`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [area, middle @ .., number] = &parts[..] else {
        return false;
    };
    let letters = |part: &&str| part.len() >= 3 && part.bytes().all(|letter| letter.is_ascii_lowercase());
    area.len() == 2
        && area.bytes().all(|letter| letter.is_ascii_lowercase())
        && (1..=2).contains(&middle.len())
        && middle.iter().all(letters)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|digit| digit.is_ascii_digit())
}

/// The region of an availability zone: `eu-west-1a` is in `eu-west-1`.
pub(super) fn region_of_zone(zone: &str) -> &str {
    let region = zone.trim_end_matches(|last: char| last.is_ascii_lowercase());
    // Local zones have a name of their own behind the region's: `us-west-2-lax-1a`.
    let parts: Vec<usize> = region.match_indices('-').map(|(at, _)| at).collect();
    match parts.get(2) {
        Some(&third) if is_region(&region[..third]) => &region[..third],
        _ => region,
    }
}

/// What a design of these files is called: the folder above `aws_configs`, the regions and the accounts.
pub(super) fn design_name(path: &str) -> String {
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let is_layout = |part: &&&str| {
        matches!(**part, "aws_configs" | "accounts" | "account-data")
            || is_region(part)
            || (part.len() == 12 && part.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let (file, folders) = parts
        .split_last()
        .map_or(("", &[][..]), |(file, folders)| (*file, folders));
    let folder = folders.iter().rev().find(|part| !is_layout(part));
    folder.map_or_else(
        || file.split('.').next().unwrap_or_default().to_owned(),
        |folder| (*folder).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_account_and_region() {
        let place = of_path("lab/aws_configs/accounts/028403472736/us-east-1/Vpcs.json");
        assert_eq!(
            (place.account.as_str(), place.region.as_str()),
            ("028403472736", "us-east-1")
        );
        assert_eq!(of_path("dump/us-gov-west-1/Vpcs.json").region, "us-gov-west-1");
        assert_eq!(of_path("Vpcs-us-west-2.json").region, "us-west-2");
        assert_eq!(of_path("dump/ec2-describe-vpcs.json"), Place::default());
    }

    #[test]
    fn zones_say_their_region() {
        assert_eq!(region_of_zone("eu-west-1a"), "eu-west-1");
        assert_eq!(region_of_zone("us-west-2-lax-1a"), "us-west-2");
        assert_eq!(region_of_zone("us-gov-west-1b"), "us-gov-west-1");
    }

    #[test]
    fn a_design_is_called_like_its_folder() {
        assert_eq!(
            design_name("labs/peering/aws_configs/accounts/028403472736/us-east-1/Vpcs.json"),
            "peering"
        );
        assert_eq!(design_name("Vpcs.json"), "Vpcs");
    }
}
