"""py-evm's objects as the records of the seam."""

from __future__ import annotations

from collections.abc import Sequence

import rlp
from eth.abc import BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI
from eth.exceptions import Revert

from sheaf.ledger.engine import Header, Log, Receipt, Transaction, decode_header


def plain_header(header: BlockHeaderAPI) -> Header:
    """The header, by way of the bytes that its hash is taken over."""
    return decode_header(rlp.encode(header))


def plain_transaction(raw: bytes, signed: SignedTransactionAPI) -> Transaction:
    """The transaction; recovers its sender, and raises what py-evm raises when it cannot."""
    return Transaction(
        hash=signed.hash,
        raw=raw,
        kind=signed.type_id or 0,
        chain_id=signed.chain_id or 0,
        sender=bytes(signed.sender),
        nonce=signed.nonce,
        to=bytes(signed.to) or None,
        value_wei=signed.value,
        data=bytes(signed.data),
        gas=signed.gas,
        max_fee_wei=signed.max_fee_per_gas,
        priority_fee_wei=signed.max_priority_fee_per_gas,
        access_list=tuple(
            (bytes(address), tuple(slots)) for address, slots in _access_list(signed)
        ),
        y_parity=signed.y_parity,
        r=signed.r,
        s=signed.s,
    )


def _access_list(signed: SignedTransactionAPI) -> Sequence[tuple[bytes, Sequence[int]]]:
    """Only typed transactions have one."""
    return signed.access_list if signed.type_id else ()


def revert_data(computation: ComputationAPI) -> bytes:
    """What a revert returned; any other failure returns nothing."""
    return computation.output if isinstance(computation.error, Revert) else b""


def plain_receipts(
    header: Header,
    transactions: Sequence[Transaction],
    receipts: Sequence[ReceiptAPI],
    computations: Sequence[ComputationAPI],
) -> tuple[Receipt, ...]:
    """Receipts with what each transaction used alone, and its revert data where it failed."""
    plain = []
    spent = logged = 0
    for index, transaction in enumerate(transactions):
        receipt, computation = receipts[index], computations[index]
        logs = tuple(
            Log(
                address=bytes(log.address),
                topics=tuple(topic.to_bytes(32) for topic in log.topics),
                data=bytes(log.data),
                block_number=header.number,
                block_hash=header.hash,
                transaction_hash=transaction.hash,
                transaction_index=index,
                index=logged + position,
            )
            for position, log in enumerate(receipt.logs)
        )
        created = transaction.to is None
        plain.append(
            Receipt(
                transaction_hash=transaction.hash,
                transaction_index=index,
                block_number=header.number,
                block_hash=header.hash,
                status=int(computation.is_success),
                gas_used=receipt.gas_used - spent,
                cumulative_gas_used=receipt.gas_used,
                contract=bytes(computation.msg.storage_address) if created else None,
                logs=logs,
                revert_data=revert_data(computation) if computation.is_error else None,
                encoded=receipt.encode(),
            )
        )
        spent = receipt.gas_used
        logged += len(logs)
    return tuple(plain)
