//! Resources that need each other in a circle, which CloudFormation cannot deploy.

use super::evaluator::{Evaluator, Scope, with_locals};
use super::template::member;

impl Evaluator<'_> {
    /// Adds what `DependsOn` says, and reports a circle for each resource that closes one.
    pub(super) fn check_circles(&mut self) {
        for stack in 0..self.stacks.len() {
            self.add_depends_on(stack);
            let count = self.stacks[stack].resources.members.len();
            let mut needs: Vec<Vec<usize>> = vec![Vec::new(); count];
            let from = (stack, 0, 0);
            let to = (stack + 1, 0, 0);
            for &(_, resource, needed) in self.needs.range(from..to) {
                needs[resource].push(needed);
            }
            for circle in circles(&needs) {
                let members = &self.stacks[stack].resources.members;
                let names = circle.iter().chain(circle.first());
                let names: Vec<&str> = names.map(|&resource| members[resource].name.as_str()).collect();
                let first = &members[circle[0]];
                let message = format!("`{}` needs itself: {}", first.name, names.join(" → "));
                let finding = vpcsim_aws::Finding::error("cyclic-reference", first.key_origin, message);
                self.findings
                    .push(finding.help("take one of the references out into a resource of its own"));
            }
        }
    }

    fn add_depends_on(&mut self, stack: usize) {
        for resource in 0..self.stacks[stack].resources.members.len() {
            if !self.is_made(stack, resource) {
                continue;
            }
            let node = self.stacks[stack].resources.members[resource].node;
            for needed in member(node, "DependsOn").map_or(&[][..], |node| node.items()) {
                let scope = Scope {
                    stack,
                    owner: None,
                    locals: self.stacks[stack].resources.members[resource].locals.clone(),
                };
                let Some(name) = needed.as_text() else {
                    needed.wrong_type("the logical id of a resource", &mut self.findings);
                    continue;
                };
                let name = with_locals(&scope, name);
                if let Some(&place) = self.stacks[stack].resources.places.get(&name) {
                    self.needs.insert((stack, resource, place));
                } else {
                    let names = self.stacks[stack].resources.names();
                    self.unknown_reference("resource", &name, needed.origin, &names);
                }
            }
        }
    }
}

/// The circles of a graph, one for each edge that leads back to where a walk came from.
fn circles(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; needs.len()];
    let mut found = Vec::new();
    for start in 0..needs.len() {
        if states[start] != State::New {
            continue;
        }
        let mut path = vec![(start, 0)];
        states[start] = State::Open;
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(&needed) = needs[node].get(*next) else {
                states[node] = State::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match states[needed] {
                State::New => {
                    states[needed] = State::Open;
                    path.push((needed, 0));
                }
                State::Open => {
                    let from = path
                        .iter()
                        .position(|(on_path, _)| *on_path == needed)
                        .unwrap_or(0);
                    found.push(path[from..].iter().map(|(on_path, _)| *on_path).collect());
                }
                State::Done => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::circles;

    #[test]
    fn each_circle_is_found_once_and_long_chains_are_walked() {
        assert_eq!(
            circles(&[vec![1], vec![2], vec![0], vec![3], vec![0]]),
            [vec![0, 1, 2], vec![3]]
        );
        let chain: Vec<Vec<usize>> = (0..100_000).map(|node| vec![node + 1]).chain([vec![]]).collect();
        assert!(circles(&chain).is_empty());
    }
}
