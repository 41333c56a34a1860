use std::sync::mpsc;

use testkit::CapturedLog;

use super::*;
use crate::local_model_loader::ResolvedModel;
use crate::model_folder::FolderError;
use crate::settings::{ModelSettings, Seconds};

#[tokio::test]
async fn until_the_model_is_loaded_it_is_unavailable_unhealthy_and_not_listed() {
    let (go, wait) = mpsc::channel::<()>();
    let (gateway, loading) = start(ROOMY, move |_| {
        wait.recv().unwrap();
        fake_model(FakeEngine::new().0)
    });
    assert_eq!(gateway.check().await.unwrap_err().to_string(), "the model is still loading");
    assert!(gateway.info().is_none());
    let texts = [text("good")];
    assert!(matches!(
        gateway.classify_one(&tenant(), &texts[0], PLAIN).await,
        Err(MlError::Unavailable { .. })
    ));
    let batch = gateway.classify(&tenant(), &[&texts[0]], PLAIN, Admission::BulkNext.into()).await;
    assert!(matches!(batch, Err(MlError::Unavailable { .. })));

    go.send(()).unwrap();
    loading.await.unwrap();
    assert!(gateway.check().await.is_ok());
    assert!(gateway.info().is_some());
    assert!(gateway.classify_one(&tenant(), &texts[0], PLAIN).await.is_ok());
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_stays_unavailable() {
    let model = ResolvedModel::of_folder(ModelSettings::new("no/such/folder"));
    let (gateway, loading) = model.start_gateway();
    assert!(matches!(loading.await, Err(LoadError::Folder(FolderError::FolderMissing { .. }))));
    assert!(gateway.check().await.is_err());
    assert!(matches!(
        gateway.classify_one(&tenant(), &text("good"), PLAIN).await,
        Err(MlError::Unavailable { .. })
    ));
    gateway.stop().await;
}

#[tokio::test]
async fn a_setting_without_effect_is_logged_once_for_its_model() {
    let log = CapturedLog::start();
    let name = Some("fast".to_owned());
    let settings = ModelSettings { name, ..ModelSettings::new("no/such/folder") };
    for max_wait in [None, Some(Seconds(30.0))] {
        let settings = ModelSettings { max_wait, ..settings.clone() };
        let (_gateway, loading) = ResolvedModel::of_folder(settings).start_gateway();
        assert!(loading.await.is_err());
    }
    let warnings: Vec<_> = log.lines().into_iter().filter(|line| line.message.contains("max_wait")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].field("model"), "fast");
}

#[tokio::test]
async fn a_panic_while_loading_is_an_error() {
    let (_gateway, loading) = start(ROOMY, |_| panic!("unforeseen"));
    let error = loading.await.unwrap_err();
    assert!(matches!(&error, LoadError::Panicked { reason } if reason == "unforeseen"), "{error:?}");
}

#[tokio::test]
async fn stopping_while_it_loads_ends_the_loading() {
    let (go, wait) = mpsc::channel::<()>();
    let (gateway, loading) = start(ROOMY, move |_| {
        wait.recv().unwrap();
        fake_model(FakeEngine::new().0)
    });
    let ((), outcome) = tokio::join!(gateway.stop(), async {
        go.send(()).unwrap();
        loading.await
    });
    assert!(matches!(outcome, Err(LoadError::Stopped)));
    assert!(gateway.info().is_none());
}
