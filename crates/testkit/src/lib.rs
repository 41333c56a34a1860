//! In-memory fakes of every port, and a TCP proxy that cuts, refuses and stalls
