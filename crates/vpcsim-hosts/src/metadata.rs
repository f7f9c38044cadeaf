//! The instance metadata service: documents over HTTP at a link-local address, for each instance its own.

use std::collections::BTreeMap;

use vpcsim_engine::Time;

use crate::applications::{HttpRequest, HttpResponse};

/// Documents and the rules of asking for them.
#[derive(Debug)]
pub(crate) struct MetadataSite {
    documents: BTreeMap<String, String>,
}

impl MetadataSite {
    pub(crate) fn respond(&mut self, request: &HttpRequest<'_>, _now: Time) -> HttpResponse {
        match self.documents.get(request.path) {
            Some(document) => HttpResponse::ok(document.clone()),
            None => HttpResponse::error(404, "Not Found"),
        }
    }
}
