//! The server's word on the account: it wins, and what it changed is told.

use rust_decimal::Decimal;
use serde::Serialize;

use super::LocalAccount;
use super::position::Position;

/// What a `playerUpdate` says. `None` is not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerAccount {
    /// SOL.
    pub cash: Option<Decimal>,
    /// Units held; 0 is none.
    pub position_qty: Option<Decimal>,
    /// Weighted entry multiplier; 0 when flat.
    pub avg_cost: Option<Decimal>,
}

/// Two views of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// What the account had; `None`: nothing open.
    pub local: Option<Decimal>,
    /// What the server says; `None`: nothing open.
    pub server: Option<Decimal>,
}

impl Drift {
    fn of(local: Decimal, server: Decimal) -> Option<Drift> {
        (local != server).then_some(Drift { local: Some(local), server: Some(server) })
    }
}

/// Where the account was not what the server says. Compared exactly, without a tolerance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Drifts {
    /// SOL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Drift>,
    /// Units: only one of the two holds a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Drift>,
    /// Units: both hold one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_qty: Option<Drift>,
    /// Entry multiplier: both hold a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_price: Option<Drift>,
}

impl Drifts {
    /// Whether both agree.
    pub fn is_empty(&self) -> bool {
        *self == Drifts::default()
    }
}

impl LocalAccount {
    /// Takes the server's word at `tick`, and gives what it changed. A position that the server does not know is
    /// dropped without a result; one that only the server knows is taken over with its mean entry. Statistics of
    /// trades stay: nothing was traded here.
    pub fn reconcile(&mut self, server: &ServerAccount, tick: i64) -> Drifts {
        let mut drifts = Drifts::default();
        if let Some(cash) = server.cash {
            drifts.balance = Drift::of(self.balance, cash);
            self.balance = cash;
        }
        let Some(qty) = server.position_qty else { return drifts };
        match &mut self.position {
            Some(position) if qty.is_zero() => {
                drifts.position = Some(Drift { local: Some(position.amount), server: None });
                self.position = None;
            }
            Some(position) if qty > Decimal::ZERO => {
                drifts.position_qty = Drift::of(position.amount, qty);
                position.amount = qty;
                if let Some(entry) = server.avg_cost.filter(|entry| *entry > Decimal::ZERO) {
                    drifts.entry_price = Drift::of(position.entry_price, entry);
                    position.entry_price = entry;
                }
            }
            None => {
                // Without an entry there is no position to take over, only a holding nobody can value.
                let taken = Position::new(qty, server.avg_cost.unwrap_or_default(), tick.max(0)).ok();
                drifts.position = taken.map(|_| Drift { local: None, server: Some(qty) });
                self.position = taken;
            }
            Some(_) => {}
        }
        drifts
    }
}
