#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ccaas_exporter::fuzzing::run("page", data));
