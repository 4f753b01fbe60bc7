# Recipes for contributors; `just` lists them. CONTRIBUTING.md says which ring needs what.

_default:
    @just --list

# Formatting, lints, and every test that needs neither Redis nor root.
quick:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo test --locked --lib --quiet
    cargo test --locked --test it --quiet -- architecture:: backend_contract::memory:: plain:: full:: site:: errors::
    node --test tests/js/*.test.js clients/js/test/*.test.js

# Everything, with whatever it needs installed first (Debian packages).
test:
    scripts/test

# Every fault at full length, or those that are named.
chaos *faults:
    scripts/chaos {{faults}}

# This tree against the floor of bare sockets, on a quiet machine.
bench *arguments:
    scripts/bench {{arguments}}

# The inner loops, compared with the last run.
micro *arguments:
    cd benches/micro && cargo bench {{arguments}}

# Compares answers of a node with the description of its REST API; needs schemathesis in the PATH.
schemathesis:
    cargo nextest run --locked schemathesis::

# Fuzzes one target of fuzz/ for so many seconds; needs cargo-fuzz and a nightly Rust.
fuzz target seconds="60":
    cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# A whole cluster on this machine, behind HAProxy on port 8080.
cluster nodes="3":
    scripts/cluster {{nodes}}

# One node without Redis on http://localhost:3000.
run:
    cargo run --release

# The documentation of the code, as a reader of the crate sees it.
doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
