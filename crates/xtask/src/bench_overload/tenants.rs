use super::Bench;

/// Adds a tenant with the limits that `options` of the command line describe, and returns a key for it.
pub(super) fn add(bench: &Bench<'_>, name: &str, options: &[&str]) -> anyhow::Result<String> {
    let run = |arguments: &[&str]| bench.undertone.command(&bench.server, arguments);
    run(&["tenants", "add", name])?;
    if !options.is_empty() {
        run(&[&["tenants", "limit", name], options].concat())?;
    }
    let key = run(&["keys", "issue", "--tenant", name, "--scopes", "predictions:write"])?;
    Ok(key.trim().to_owned())
}
