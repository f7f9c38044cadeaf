//! Many endpoints behind one node, each made when it is first needed.

use std::collections::{BTreeMap, BTreeSet};

use vpcsim_engine::{Context, Decision, FrameHeader, Time};
use vpcsim_wire::{Mac, icmp};

use crate::alarm::Alarm;
use crate::drops;
use crate::endpoint::{Endpoint, Fit};

#[derive(Debug)]
struct Member {
    endpoint: Endpoint,
    due: Option<Time>,
}

#[derive(Debug)]
pub(crate) struct EndpointSet<K> {
    members: BTreeMap<K, Box<Member>>,
    due: BTreeSet<(Time, K)>,
    alarm: Alarm,
}

impl<K: Ord + Copy> EndpointSet<K> {
    pub(crate) const fn new() -> Self {
        Self {
            members: BTreeMap::new(),
            due: BTreeSet::new(),
            alarm: Alarm::new(),
        }
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.members.contains_key(&key)
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn endpoint(&self, key: K) -> Option<&Endpoint> {
        self.members.get(&key).map(|member| &member.endpoint)
    }

    pub(crate) fn endpoint_or_insert(&mut self, key: K, make: impl FnOnce() -> Endpoint) -> &mut Endpoint {
        let member = || {
            Box::new(Member {
                endpoint: make(),
                due: None,
            })
        };
        &mut self.members.entry(key).or_insert_with(member).endpoint
    }

    /// Sets the timer for what the endpoint has to do next.
    pub(crate) fn arm(&mut self, context: &mut Context<'_>, key: K) {
        if let Some(member) = self.members.get_mut(&key) {
            let due = member.endpoint.next_due(context.now());
            let old = std::mem::replace(&mut member.due, due);
            if old != due {
                old.map(|old| self.due.remove(&(old, key)));
                due.map(|due| self.due.insert((due, key)));
            }
        }
        self.alarm.arm(context, self.due.first().map(|&(due, _)| due));
    }

    /// Does what is due by now; `mtu` and `send` say how a member's packets leave.
    pub(crate) fn handle_timer(
        &mut self,
        context: &mut Context<'_>,
        mtu: impl Fn(K) -> u16,
        send: impl Fn(&mut Context<'_>, K, &[u8]),
    ) {
        self.alarm.fired();
        while let Some(&(due, key)) = self.due.first()
            && due <= context.now()
        {
            self.due.pop_first();
            if let Some(member) = self.members.get_mut(&key) {
                member.due = None;
                member.endpoint.handle_deadlines(context.now());
            }
            self.flush(context, key, mtu(key), |context, packet| {
                send(context, key, packet);
            });
        }
        self.alarm.arm(context, self.due.first().map(|&(due, _)| due));
    }

    /// Sends everything that the endpoint has to send.
    pub(crate) fn flush(
        &mut self,
        context: &mut Context<'_>,
        key: K,
        mtu: u16,
        send: impl Fn(&mut Context<'_>, &[u8]),
    ) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let endpoint = &mut member.endpoint;
        while let Some(packet) = endpoint.outbox_mut().pop() {
            match endpoint.fit(packet, mtu, context.now()) {
                Fit::Whole(packet) => {
                    send(context, &packet);
                    endpoint.outbox_mut().recycle(packet);
                }
                Fit::Parts(parts) => parts.iter().for_each(|part| send(context, part)),
                Fit::TooLarge(packet) => {
                    let frame = FrameHeader::ipv4(Mac::default(), Mac::default());
                    let handle = context.emit(frame, &packet);
                    context.discard(handle, drops::EXCEEDS_PATH_MTU, Decision::NONE);
                    endpoint.note_unsent(context.now(), &packet, icmp::FRAGMENTATION_NEEDED);
                }
            }
        }
        self.arm(context, key);
    }
}
