# Shortcuts. Every recipe is one call of cargo or of `cargo xtask`, which work without `just` too.

# List the recipes
default:
    @just --list

# Serve with the bundled model and SQLite; flags of the program may follow
run *flags:
    cargo run --release -- {{ flags }}

# Run the tests, with a temporary PostgreSQL; arguments of `cargo test` may follow
test *args:
    cargo xtask test -- {{ args }}

# Run every check of CI
ci:
    cargo xtask ci

# Run the lints, the dependency rule and the rules about the project's files
lint:
    cargo clippy --workspace --all-targets -- --deny warnings
    cargo xtask boundaries
    cargo xtask tidy

# Format the sources
fmt:
    cargo fmt --all

# Migrate the store's schema `up` (or `down`, or show its `status`); flags of the program may follow
migrate direction="up" *flags:
    cargo run --release -- migrate {{ direction }} {{ flags }}

# Write docs/generated and the tables of the files of the console and of the page of the API
codegen:
    cargo xtask codegen

# Measure a running server's accuracy and compare it with the model card
eval url data *flags:
    cargo xtask eval --url {{ url }} --data {{ data }} {{ flags }}

# Inject faults into a deployment under load and verify what it stored; `--seed N`, `--minutes M`
chaos *flags:
    cargo xtask chaos {{ flags }}

# Build the program with CUDA and start it without a GPU
cuda-check *flags:
    cargo xtask cuda-check {{ flags }}

# Send generated requests to the API
fuzz *flags:
    cargo xtask fuzz-api {{ flags }}

# Measure the engine alone: texts per second by batch size
bench *flags:
    cargo xtask bench-engine {{ flags }}

# Measure what authentication costs a prediction
bench-auth *flags:
    cargo xtask bench-auth {{ flags }}

# Measure the console in a browser: its start, a long history, many events
bench-console *flags:
    cargo xtask bench-console {{ flags }}

# Write the pictures of the console in docs/images
console-shots *flags:
    cargo xtask console-shots {{ flags }}

# Measure what idempotency keys cost a prediction
bench-idempotency *flags:
    cargo xtask bench-idempotency {{ flags }}

# Measure what is accepted under overload and by limits
bench-overload *flags:
    cargo xtask bench-overload {{ flags }}

# Measure the service under load: every text new, every prediction stored
bench-http *flags:
    cargo xtask bench-http {{ flags }}

# Measure what clients experience while others overload, disconnect, scan or stall
bench-limits *flags:
    cargo xtask bench-limits {{ flags }}

# Measure engine and service beside Python's
bench-peers *flags:
    cargo xtask bench-peers {{ flags }}

# Measure `undertone predict` with a file beside the engine alone
bench-predict *flags:
    cargo xtask bench-predict {{ flags }}
