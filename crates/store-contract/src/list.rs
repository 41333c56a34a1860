/// Declares the one list of cases: the constant [`CASES`] and the macro that expands a test for each.
macro_rules! declare_cases {
    ($dollar:tt $($module:ident { $($case:ident),* $(,)? })*) => {
        /// The names of all cases.
        pub const CASES: &[&str] = &[$($(stringify!($case)),*),*];

        /// Expands one named test a case for the given [`StoreHarness`](crate::StoreHarness).
        #[macro_export]
        macro_rules! store_contract {
            ($dollar harness:ty) => {
                $($(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        let harness = <$dollar harness as $crate::StoreHarness>::start().await;
                        $crate::cases::$module::$case(&harness).await;
                    }
                )*)*
            };
        }
    };
}

declare_cases! { $
    unit_of_work {
        dropping_a_unit_of_work_writes_nothing,
    }
}
