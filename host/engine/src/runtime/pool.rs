//! Memory for instances that live for one list of questions: slots that are used again. To map the memory of an
//! instance and to return it to the system takes longer than most questions.
//!
//! A slot is given back with the content that the component begins with, so an instance finds nothing that
//! another one left; the tests of the policies' isolation look for it in every byte.

use wasmtime::{Config, Enabled, PoolingAllocationConfig};

use super::sandbox::{INSTANCES_MAX, TABLE_ELEMENTS_MAX};

/// Maximum memories of a component: one, and few in those that link several language runtimes.
const MEMORIES_MAX: u32 = 4;

/// Maximum tables of a component, and of one of its modules.
const TABLES_MAX: u32 = 64;

/// Bytes of an unused slot that stay resident: as many as an ordinary policy touches.
const KEPT_BYTES: usize = 256 << 10;

/// Configures a pool for so many components at the same time, each of whose memories has at most so many bytes.
///
/// The code checks the bounds of each access to memory, so all memory of a slot stays accessible. Otherwise an
/// instance whose memory grows would change the protection of its pages twice, which interrupts every processor, and
/// each memory would reserve four gibibytes of addresses.
pub(super) fn configure(config: &mut Config, components: u32, memory_bytes_max: usize) {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(components)
        .total_core_instances(components * INSTANCES_MAX)
        .total_memories(components * MEMORIES_MAX)
        .total_tables(components * TABLES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_memory_size(memory_bytes_max)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_BYTES)
        .max_unused_warm_slots(components)
        .pagemap_scan(Enabled::Auto);
    config
        .allocation_strategy(pool)
        .signals_based_traps(false)
        .memory_guard_size(0)
        .memory_reservation(memory_bytes_max as u64);
}
