use application::ports::{IdPage, StoreError};
use domain::value_objects::PredictionId;

use crate::columns::{Columns, Unreadable};

/// Reads a step of a walk over ids, which examined at most `limit` rows. The columns: `id`, and `examined` and
/// `matching`, which only the last row has; its id is that of the last examined row.
///
/// # Errors
/// `Corrupt`.
pub fn read_id_page(rows: impl IntoIterator<Item = impl Columns>, limit: u32) -> Result<IdPage, StoreError> {
    let mut page = IdPage::default();
    for row in rows {
        read_walked(&row, limit, &mut page).map_err(|unreadable| corrupt(unreadable, "?"))?;
    }
    Ok(page)
}

fn read_walked(row: &impl Columns, limit: u32, page: &mut IdPage) -> Result<(), Unreadable> {
    match row.integer("examined")? {
        None => page.ids.push(PredictionId::from_u128(row.id("id")?)),
        Some(examined) => {
            let matching = row.integer("matching")?.ok_or(Unreadable("matching"))?;
            page.matching = u64::try_from(matching).map_err(|_| Unreadable("matching"))?;
            if examined >= i64::from(limit) {
                page.end = Some(PredictionId::from_u128(row.id("id")?));
            }
        }
    }
    Ok(())
}

/// Reads texts: the columns `id` and `text`.
///
/// # Errors
/// `Corrupt`.
pub fn read_texts(
    rows: impl IntoIterator<Item = impl Columns>,
) -> Result<Vec<(PredictionId, Option<String>)>, StoreError> {
    let read = |row| read_text(&row);
    rows.into_iter().map(read).collect()
}

fn read_text(row: &impl Columns) -> Result<(PredictionId, Option<String>), StoreError> {
    let id = row.id("id").map(PredictionId::from_u128).map_err(|unreadable| corrupt(unreadable, "?"))?;
    let text = row.text("text").map_err(|unreadable| corrupt(unreadable, &id.to_string()))?;
    Ok((id, text))
}

fn corrupt(Unreadable(column): Unreadable, id: &str) -> StoreError {
    StoreError::Corrupt { table: "predictions", column, id: id.to_owned() }
}
