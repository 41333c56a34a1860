use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING};
use actix_web::rt::spawn;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse, HttpResponseBuilder};
use application::action::{chain, log_action};
use application::dtos::{Caller, ExportForm, ExportFormat, ExportPart, PredictionRecord};
use application::ports::RequestPermit;
use application::use_cases::PredictionExport;
use futures_util::stream;
use tokio::sync::watch;

use crate::access::{Authorized, PredictionsRead};
use crate::controllers::respond_in_time;
use crate::exports::{ChunkSender, ExportPermit, ExportsFull, chunked_body};
use crate::extractors::{NDJSON, export_request};
use crate::openapi::ExportParameters;
use crate::presenters::{estimate_bytes, present_date, write_export};
use crate::problem::{Problem, ProblemCode};
use crate::revalidation::{StreamPrincipal, caller_refused};
use crate::state::ApiState;

/// Export predictions
///
/// Oldest first, as a file that is sent while it is made: every prediction that meets all the conditions given, was
/// stored before the request and is not deleted meanwhile, once. Predictions that are stored later may be missing.
///
/// CSV has a header, one line for each prediction with its best label, and empty cells for null. Cells that a
/// spreadsheet would execute as formulas get a leading apostrophe, unless `safe` is false. JSONL has one object for
/// each prediction, as `GET /api/v1/predictions/{id}` returns it, and ends with `{"done": true, "rows"}`.
///
/// If the export cannot be completed, the connection breaks before the end of the body. A replica sends a few exports
/// at a time and refuses others with `saturated`.
#[utoipa::path(
    get,
    path = "/api/v1/predictions/export",
    operation_id = "export_predictions",
    tag = "predictions",
    params(ExportParameters),
    responses((
        status = 200,
        description = "The predictions: lines of CSV, or lines of `PredictionRecord`, then one `ExportEnd`",
        content(
            (String = "text/csv"),
            (String = "application/x-ndjson")
        ),
        headers((
            "Content-Disposition" = String,
            description = "The name of the file, `predictions-DATE.csv` or `.jsonl`"
        ))
    ))
)]
pub(crate) async fn download(
    authorized: Authorized<PredictionsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("ExportController.download", async {
        let (query, form) = export_request(&request, authorized.tenant())?;
        let permit = state.exports.begin(&state.body_memory);
        let permit = permit.map_err(|ExportsFull| Problem::new(ProblemCode::Saturated))?;
        let mut export = state.use_cases.export.execute(query).await?;
        let mut response = file(form.format, &present_date(export.begun_at()));
        if request.method() == Method::HEAD {
            return Ok(response.streaming(stream::empty::<Result<Bytes, Error>>()));
        }
        // A store that does not respond is still reported as such.
        let first = export.next_page().await?;
        let (sender, receiver) = chunked_body(state.settings.send_timeout);
        let producer =
            Producer { state: state.clone(), form, export, rows: 0, _permits: (permit, authorized.permit()) };
        let caller = Rc::clone(authorized.caller());
        let body = receiver.into_body(spawn(producer.run(caller, first, sender)));
        Ok(response.streaming(body))
    });
    respond_in_time(&request, Box::pin(action)).await
}

/// Begins the response with a file that is neither compressed, buffered nor cached.
fn file(format: ExportFormat, date: &str) -> HttpResponseBuilder {
    let media_type = match format {
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Jsonl => NDJSON,
    };
    let name = format!("attachment; filename=\"predictions-{date}.{}\"", format.as_str());
    let mut response = HttpResponse::Ok();
    response
        .content_type(media_type)
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"));
    response
}

/// Prepares the chunks of a response, each while the previous one is sent.
struct Producer {
    state: Data<ApiState>,
    form: ExportForm,
    export: PredictionExport,
    rows: u64,
    _permits: (ExportPermit, Option<Arc<RequestPermit>>),
}

/// Why an export was broken off; logged where it occurred.
struct BrokenOff;

impl Producer {
    /// Sends the export, of which `first` is the first page, to its end, or as long as the caller is accepted.
    async fn run(mut self, caller: Rc<Caller>, first: Option<Vec<PredictionRecord>>, sender: ChunkSender) {
        let state = self.state.clone();
        let (principal, _) = watch::channel(StreamPrincipal::None);
        let refused = caller_refused(&state, &caller, &principal);
        tokio::select! {
            biased;
            _ = refused => tracing::info!("an export was broken off: its caller is no longer accepted"),
            // The sender ends with it: a body that has no end then breaks the connection.
            _ = self.send(first, sender) => {}
        }
    }

    async fn send(
        &mut self,
        first: Option<Vec<PredictionRecord>>,
        sender: ChunkSender,
    ) -> Result<(), BrokenOff> {
        let (mut page, mut chunk) = (first, Vec::new());
        self.write(ExportPart::Start, &mut chunk)?;
        // No page is read before the previous one is being sent.
        let mut place = sender.place().await.ok_or(BrokenOff)?;
        while let Some(rows) = page {
            if !rows.is_empty() || !chunk.is_empty() {
                place.send(self.render(rows, chunk).await?);
                chunk = Vec::new();
                place = sender.place().await.ok_or(BrokenOff)?;
            }
            page = self.export.next_page().await.map_err(|_logged| BrokenOff)?;
        }
        self.write(ExportPart::End { rows: self.rows }, &mut chunk)?;
        if !chunk.is_empty() {
            place.send(chunk);
            place = sender.place().await.ok_or(BrokenOff)?;
        }
        place.end();
        Ok(())
    }

    /// Appends the rows to `chunk`, away from the connections' threads where they are many.
    async fn render(
        &mut self,
        rows: Vec<PredictionRecord>,
        mut chunk: Vec<u8>,
    ) -> Result<Vec<u8>, BrokenOff> {
        self.rows += rows.len() as u64;
        let (form, bytes) = (self.form, rows.iter().map(estimate_bytes).sum());
        let render = move || {
            chunk.reserve(bytes);
            write_export(form, ExportPart::Rows(&rows), &mut chunk).map(|()| chunk)
        };
        let rendered = self.state.offload.run(bytes, render).await;
        rendered.map_err(|_ending| BrokenOff)?.map_err(|error| unrenderable(&error))
    }

    fn write(&self, part: ExportPart<'_>, chunk: &mut Vec<u8>) -> Result<(), BrokenOff> {
        write_export(self.form, part, chunk).map_err(|error| unrenderable(&error))
    }
}

fn unrenderable(error: &std::io::Error) -> BrokenOff {
    tracing::error!(error = chain(error), "cannot render an export");
    BrokenOff
}
