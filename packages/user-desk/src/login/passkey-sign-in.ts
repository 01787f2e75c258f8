import type { Reporter } from '@countersign/audit/internal'
import type { LoginEvent } from '@countersign/auth-server'
import type { LoginTables } from '@countersign/auth-server/internal'
import { isUser, noteReturn, toldOf } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { passkeyRefusal } from '../passkey/passkey-ceremonies.js'
import { type Assertion, usePasskey } from '../passkey/passkey-store.js'
import { browserNameOf } from './browser-name.js'
import type { Entrance } from './entrance.js'
import { noteHistory } from './history.js'

/** What uses of passkeys are noted in. */
export interface PasskeyUse {
  readonly store: Store<LoginTables>
  readonly now: () => number
  readonly report: Reporter<LoginEvent>
}

/** Thrown within a transaction, which then notes nothing. */
class CopiedPasskeyError extends Error {}

/**
 * Notes the use of a passkey in a transaction.
 * @throws AAuthError `invalid_request` (`passkey_invalid`) where the challenge was answered before, or the passkey is gone
 */
export async function noteAssertion(tx: Transaction<LoginTables>, assertion: Assertion, at: number): Promise<void> {
  const outcome = await usePasskey(tx, assertion, at)
  if (outcome === 'copied') throw new CopiedPasskeyError()
  if (outcome !== 'used') throw passkeyRefusal(outcome)
}

/** Runs what uses a passkey. A copied passkey is refused; its owner sees that in the history of their account. */
export async function whileUnique<T>(
  { message, assertion }: { readonly message: ReceivedMessage; readonly assertion: Assertion },
  { store, now, report }: PasskeyUse,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (!(error instanceof CopiedPasskeyError)) throw error
    const { sub, name } = assertion.row
    const line = { sub, at: now(), what: 'passkey_copied', about: name, browser: browserNameOf(message) } as const
    await store.write(async tx => {
      if (await isUser(tx, sub)) await noteHistory(tx, line)
      await report.within(tx, { type: 'passkey_copied', sub, ...toldOf(message) })
    })
    throw refusal('passkey_copied')
  }
}

/** Signs the owner of a passkey in. */
export function entranceBy(assertion: Assertion): Entrance {
  return async (tx, at) => {
    await noteAssertion(tx, assertion, at)
    const { sub, name } = assertion.row
    const user = await noteReturn(tx, sub, at)
    if (user === undefined) throw passkeyRefusal('no such user')
    return { user, provider: 'passkey', verified: at, history: [['signed_in', name]] }
  }
}
