"""A run on a chain behind an endpoint: how that is reached, whose accounts act there, who pays.

Where `SHEAF_KEY` holds an operator's key, everybody's keys are derived from it and it pays for all;
else they are the development accounts, which are right on a development chain and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sheaf.ledger.anvil import DEVELOPMENT_KEY
from sheaf.ledger.client import Client
from sheaf.ledger.deployment import require
from sheaf.ledger.endpoint import expanded
from sheaf.ledger.federation import AddressBook, FederationClient, token_unit
from sheaf.ledger.finality import Finality
from sheaf.ledger.keys import KEY_VARIABLE, parse_key
from sheaf.ledger.rpc import Connection, DevelopmentChain, RemoteChain, connect
from sheaf.nodes.accounts import Account, development_account, operated_account
from sheaf.nodes.plan import LedgerPlan, Plan
from sheaf.protocol.actions import Publish
from sheaf.protocol.errors import InvalidConfiguration, Reason, Rejected

PAYER = "deployer"
TASK_GAS, ROUND_GAS = 20_000_000, 3_000_000
"""Gas that an account may need outside the rounds, and in each: limits, not what is spent."""


def connection_of(ledger: LedgerPlan, environment: Mapping[str, str]) -> Connection:
    """To the endpoint that a project names. Raises `InvalidConfiguration`."""
    url, rule = expanded(ledger.url, environment), Finality.parse(ledger.finality)
    return Connection(url, ledger.chain_id, rule)


def accounts_of(
    plan: Plan, names: Sequence[str], environment: Mapping[str, str]
) -> dict[str, Account]:
    """Everybody's account by name, as the module says. On a development chain whose contracts are
    there already, whoever put them there pays: anvil's first account."""
    if plan.ledger.host == "rpc" and KEY_VARIABLE in environment:
        payer = parse_key(environment[KEY_VARIABLE], KEY_VARIABLE)
        found = {name: operated_account(payer, name) for name in names}
    else:
        found = {name: development_account(plan.algorithm.seed, name) for name in names}
        payer = DEVELOPMENT_KEY if plan.ledger.contracts else found[PAYER].key
    return {**found, PAYER: replace(found[PAYER], key=payer)}


def connected(
    plan: Plan, accounts: Mapping[str, Account], environment: Mapping[str, str]
) -> RemoteChain:
    """The chain of a plan, on which nothing of these accounts is on its way any more.

    Raises `InvalidConfiguration` where it is no development chain and nobody pays, and what
    `connect` raises.
    """
    keys = [account.key for account in accounts.values()]
    chain = connect(connection_of(plan.ledger, environment), keys)
    try:
        if not isinstance(chain, DevelopmentChain) and KEY_VARIABLE not in environment:
            raise InvalidConfiguration(
                f"{KEY_VARIABLE}: found no key, accepted: one that pays on {chain.endpoint.name}, "
                "which is no development chain"
            )
        chain.settle()
    except BaseException:
        chain.close()
        raise
    return chain


def contracts_of(client: Client, file: Path, plan: LedgerPlan) -> AddressBook:
    """The contracts that an address book names, once the chain and the plan are as it says.

    Raises `InvalidConfiguration`.
    """
    book = require(file, client, {}).book
    stake, reward = (book.stake_token, plan.stake_token), (book.reward_token, plan.reward_token)
    for section, (token, planned) in (("stake", stake), ("reward", reward)):
        decimals = token_unit(client.call, token, client.host)["decimals"]
        if decimals != planned.decimals:
            raise InvalidConfiguration(
                f"{section}.decimals: found {planned.decimals}, accepted: {decimals}, as the token "
                f"in {file.name} has"
            )
    return book


def require_new(federation: FederationClient, sponsor: bytes, publication: Publish) -> None:
    """Raise `InvalidConfiguration` where the contracts have this very task already: the sponsor
    could not publish it again, and nobody should be given money for that."""
    refused = federation.refusal(sponsor, publication)
    # Before anybody has money, any other refusal is to be expected.
    if isinstance(refused, Rejected) and refused.reason == Reason.TASK_EXISTS:
        raise InvalidConfiguration(
            "ledger.contracts: found this very task on them already, accepted: a new one",
            hint="task.name or algorithm.seed make it another",
        )


def fund(chain: RemoteChain, plan: Plan, accounts: Mapping[str, Account]) -> None:
    """Gas money for a whole task to everybody. Raises `Unfunded` where the payer has too little."""
    payer = accounts[PAYER].address
    others = [account.address for name, account in accounts.items() if name != PAYER]
    funded = [payer, *others] if isinstance(chain, DevelopmentChain) else others
    chain.fund(payer, funded, TASK_GAS + ROUND_GAS * plan.schedule.rounds)
