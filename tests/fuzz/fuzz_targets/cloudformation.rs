#![no_main]
//! No text makes the reader of CloudFormation templates panic.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| vpcsim_fuzz::design("template.yaml", data));
