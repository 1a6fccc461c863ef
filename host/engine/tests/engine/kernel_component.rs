//! The kernel as a component: its imports, its contents, its equivalence to the native kernel, and
//! how it is stopped.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, EMBEDDED_KERNEL, KernelRunner, KernelSource, NativeKernel,
    Sandbox, StepEnd, StepOutput, StopKind, cache_dir,
};
use causeway_kernel::boundary::codec;
use wasmparser::{Parser, Payload, ValType};

use crate::support::script::{command, create_post, genesis, script};
use crate::support::{Tables, context, sandbox};

fn kernel(options: ComponentOptions) -> Box<dyn KernelRunner> {
    ComponentSource::embedded(sandbox(), options)
        .open()
        .unwrap()
}

fn outputs(kernel: &mut dyn KernelRunner) -> (Vec<StepOutput>, Tables) {
    let mut tables = Tables::default();
    let outputs = script()
        .iter()
        .map(|input| tables.run(kernel, input))
        .collect();
    (outputs, tables)
}

#[test]
fn the_component_imports_our_own_interfaces_only() {
    let engine = wasmtime::Engine::default();
    let component = wasmtime::component::Component::from_binary(&engine, EMBEDDED_KERNEL).unwrap();
    let mut imports: Vec<String> = component
        .component_type()
        .imports(&engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    imports.sort();
    let ours = ["log", "policies", "store", "types"];
    assert_eq!(
        imports,
        ours.map(|name| format!("causeway:kernel/{name}@0.1.0"))
    );
}

#[test]
fn the_component_computes_without_floating_point() {
    let found = floating_point(EMBEDDED_KERNEL);
    assert!(
        found.is_empty(),
        "{} operators: {:?}",
        found.len(),
        found.iter().take(40).collect::<Vec<_>>()
    );
}

/// Floating-point operators and types in the core modules of a component, each with the function
/// that contains it.
fn floating_point(component: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut function = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::CodeSectionStart { .. } => function = 0,
            Payload::CodeSectionEntry(body) => {
                for local in body.get_locals_reader().unwrap() {
                    let (_, kind) = local.unwrap();
                    if matches!(kind, ValType::F32 | ValType::F64) {
                        found.push(format!("function {function}: a local {kind}"));
                    }
                }
                for operator in body.get_operators_reader().unwrap() {
                    let operator = format!("{:?}", operator.unwrap());
                    let name: String = operator
                        .chars()
                        .take_while(char::is_ascii_alphanumeric)
                        .collect();
                    if name.contains("F32") || name.contains("F64") {
                        found.push(format!("function {function}: {name}"));
                    }
                }
                function += 1;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn component_and_native_kernel_give_the_same_outputs() {
    let (native, rows) = outputs(&mut NativeKernel);
    let (component, component_rows) = outputs(&mut *kernel(ComponentOptions::default()));
    assert_eq!(native, component);
    assert_eq!(rows.rows(), component_rows.rows());
    assert!(rows.rows().len() > 50, "the session did something");
}

#[test]
fn a_fresh_instance_for_every_step_gives_the_same_outputs() {
    let (warm, _) = outputs(&mut *kernel(ComponentOptions::default()));
    let recycling = ComponentOptions {
        recycle_every_step: true,
        ..ComponentOptions::default()
    };
    let (fresh, _) = outputs(&mut *kernel(recycling));
    assert_eq!(warm, fresh);
}

/// The component's allocator resets once a step has freed everything it allocated; a leaking step
/// would make memory grow.
#[test]
fn the_memory_of_a_kernel_does_not_grow_from_step_to_step() {
    let mut kernel = kernel(ComponentOptions::default());
    let mut tables = Tables::default();
    for input in script() {
        tables.run(&mut *kernel, &input);
    }
    let kept = kernel.memory_bytes();
    assert!(kept > 0);
    for number in 0..1_000 {
        let post = create_post(None, &format!("post {number}"));
        tables.run(&mut *kernel, &command(1, post));
    }
    assert_eq!(kernel.memory_bytes(), kept);
}

/// Runs a step that has to be stopped, twice: the kernel must still work after the first stop.
fn stop_of(options: ComponentOptions, input: &[u8]) -> (StopKind, String) {
    let mut kernel = kernel(options);
    let mut tables = Tables::default();
    let end = kernel.step(&mut tables, context(1), input);
    let StepEnd::Stopped { kind, detail } = end else {
        panic!("it was not stopped: {end:?}");
    };
    let again = kernel.step(&mut tables, context(1), input);
    assert!(matches!(again, StepEnd::Stopped { .. }), "{again:?}");
    (kind, detail)
}

#[test]
fn an_input_of_another_version_or_shape_is_not_carried_out() {
    let (kind, detail) = stop_of(ComponentOptions::default(), &[200, 1]);
    assert_eq!(kind, StopKind::UnknownInput);
    assert!(detail.contains("200"), "{detail}");
    let (kind, _) = stop_of(ComponentOptions::default(), &[]);
    assert_eq!(kind, StopKind::UnknownInput);
}

#[test]
fn a_step_without_fuel_is_stopped() {
    let options = ComponentOptions {
        step_fuel: 5_000,
        ..ComponentOptions::default()
    };
    let (kind, _) = stop_of(options, &codec::encode_input(&genesis()));
    assert_eq!(kind, StopKind::Fuel);
}

#[test]
fn a_step_beyond_its_memory_is_stopped_and_the_next_one_runs() {
    let options = ComponentOptions {
        step_memory_max: 8 << 20,
        ..ComponentOptions::default()
    };
    let mut kernel = kernel(options);
    let mut tables = Tables::default();
    let huge = vec![1; 16 << 20];
    let end = kernel.step(&mut tables, context(1), &huge);
    assert!(
        matches!(
            end,
            StepEnd::Stopped {
                kind: StopKind::Memory,
                ..
            }
        ),
        "{end:?}"
    );
    tables.run(&mut *kernel, &genesis());
    assert!(!tables.rows().is_empty());
}

/// A host whose reads panic.
#[test]
fn a_panic_of_the_host_ends_the_step_and_not_the_engine() {
    struct Broken;
    impl causeway_engine::runtime::StepHost for Broken {
        fn get_many(
            &mut self,
            _: causeway_kernel::rows::table::Table,
            _: &[Vec<u8>],
        ) -> Vec<Option<Vec<u8>>> {
            panic!("the disk is gone")
        }
        fn scan(
            &mut self,
            _: causeway_kernel::rows::table::Table,
            _: &causeway_kernel::boundary::env::Range,
        ) -> causeway_kernel::boundary::env::Scan {
            panic!("the disk is gone")
        }
        fn ask(&mut self, _: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
            Vec::new()
        }
        fn log(&mut self, _: causeway_kernel::boundary::env::LogLevel, _: String) {}
    }
    let mut kernel = kernel(ComponentOptions::default());
    let end = kernel.step(&mut Broken, context(1), &codec::encode_input(&genesis()));
    let StepEnd::Stopped { kind, detail } = end else {
        panic!("{end:?}");
    };
    assert_eq!(
        (kind, detail.as_str()),
        (StopKind::Panic, "the disk is gone")
    );
    Tables::default().run(&mut *kernel, &genesis());
}

#[test]
fn what_is_no_kernel_is_refused() {
    let sandbox = sandbox();
    let refused = |bytes: &'static [u8]| {
        ComponentSource::of(
            sandbox.clone(),
            Cow::Borrowed(bytes),
            ComponentOptions::default(),
        )
        .open()
        .err()
        .unwrap()
        .to_string()
    };
    assert!(refused(b"not WebAssembly").contains("cannot be loaded"));
    let policy = include_bytes!(env!("CAUSEWAY_POLICY_CONTENT_FILTER"));
    assert!(
        refused(policy).contains("input-versions"),
        "{}",
        refused(policy)
    );
}

fn only_file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = files.next().unwrap();
    assert_eq!(files.next(), None);
    file
}

#[test]
fn a_compiled_component_is_kept_and_loaded_and_made_anew_when_damaged() {
    let data = tempfile::tempdir().unwrap();
    let folder = cache_dir(data.path());
    let component = include_bytes!(env!("CAUSEWAY_POLICY_CONTENT_FILTER"));
    let sandbox = || Sandbox::new(Some(&folder)).unwrap();
    let open = || {
        let sandbox = sandbox();
        sandbox.load(component).unwrap();
        sandbox.cache_hits()
    };
    assert!(!sandbox().is_compiled(component));
    assert_eq!(open(), 0);
    assert!(sandbox().is_compiled(component));
    let unoptimised = Sandbox::unoptimised(Some(&folder)).unwrap();
    assert!(!unoptimised.is_compiled(component), "by another compiler");
    assert_eq!(
        fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(open(), 1);

    let file = only_file(&folder);
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &whole[..10], &[], &flipped] {
        fs::write(&file, damaged).unwrap();
        assert_eq!(open(), 0);
        assert_eq!(open(), 1, "the file was made anew");
    }
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(open(), 0);
}
