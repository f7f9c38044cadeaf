//! The codes of findings, which tell what is wrong or surprising in a design or in a file of flows.
//!
//! One table for each area, each in the order of the alphabet. That every code of the sources stands in one of them, and no
//! other does, is tested in the workspace's `tests/`.

mod addresses;
mod answers;
mod deployments;
mod designs;
mod endpoints;
mod filters;
mod flows;
mod inputs;
mod interfaces;
mod load_balancers;
mod nat_gateways;
mod peerings;
mod routes;
mod subnets;
mod vpcs;

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingCode {
    /// The code.
    pub code: &'static str,
    /// The rules of AWS behind it, by their ids; empty if AWS has no part in it.
    pub rules: &'static [&'static str],
    /// What it says.
    pub words: &'static str,
    /// What would be right.
    pub check: &'static str,
}

/// The codes of one area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// What they are about.
    pub title: &'static str,
    /// Where they are reported.
    pub source: &'static str,
    /// The codes, in the order of the alphabet.
    pub codes: &'static [FindingCode],
}

const fn code(
    code: &'static str,
    rules: &'static [&'static str],
    words: &'static str,
    check: &'static str,
) -> FindingCode {
    FindingCode {
        code,
        rules,
        words,
        check,
    }
}

const fn area(title: &'static str, codes: &'static [FindingCode]) -> Area {
    Area {
        title,
        source: "reported by `vpcsim check` and whenever a design is read",
        codes,
    }
}

/// Every area, in the order of work on a design: first it is read, then it is judged.
pub const AREAS: &[Area] = &[
    area("inputs and files", inputs::CODES),
    area("Terraform and CloudFormation", deployments::CODES),
    area("designs in the native format", designs::CODES),
    area("VPCs and DHCP options", vpcs::CODES),
    area("subnets", subnets::CODES),
    area("instances and network interfaces", interfaces::CODES),
    area("public addresses and the internet", addresses::CODES),
    area("route tables", routes::CODES),
    area("security groups and network ACLs", filters::CODES),
    area("NAT gateways", nat_gateways::CODES),
    area("peering connections", peerings::CODES),
    area("load balancers", load_balancers::CODES),
    area("VPC endpoints and managed hosts", endpoints::CODES),
    Area {
        title: "what gets through",
        source: "reported by `vpcsim check`",
        codes: answers::CODES,
    },
    Area {
        title: "files of flows",
        source: "reported by `vpcsim trace --flows`",
        codes: flows::CODES,
    },
];

/// Every code, area by area.
pub fn all() -> impl Iterator<Item = &'static FindingCode> {
    AREAS.iter().flat_map(|area| area.codes)
}

/// The code of this name, in any case of letters, and the area that it belongs to.
pub fn by_name(name: &str) -> Option<(&'static Area, &'static FindingCode)> {
    AREAS.iter().find_map(|area| {
        let mut codes = area.codes.iter();
        let found = codes.find(|entry| entry.code.eq_ignore_ascii_case(name))?;
        Some((area, found))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_of_an_area_stand_in_the_order_of_the_alphabet() {
        for area in AREAS {
            let misplaced = area.codes.windows(2).find(|pair| pair[0].code >= pair[1].code);
            assert_eq!(misplaced, None, "{}", area.title);
        }
    }

    #[test]
    fn a_code_stands_in_one_area_only() {
        let distinct: BTreeSet<&str> = all().map(|entry| entry.code).collect();
        assert_eq!(distinct.len(), all().count());
    }

    #[test]
    fn every_code_is_told_in_sentences() {
        for entry in all() {
            assert!(
                entry.words.ends_with('.') && entry.check.ends_with('.'),
                "{entry:?}"
            );
        }
    }
}
