//! Read-only SQL over the store: gate, worker process, views.
