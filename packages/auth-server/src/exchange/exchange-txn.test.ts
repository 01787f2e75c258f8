import { verifies } from '@countersign/requirements'
import { exchange, exchangeWorld, roomsToken, upstreamToken } from '@countersign/testing/auth/exchange'
import { plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies('token.txn', 'LOG-03', 'the events of an exchange join the audit id of its challenge to that of the action'),
  async () => {
    const made = await exchangeWorld()
    /** What is told of an exchange whose resource token has an audit id of its own. */
    const toldOf = async (scope: string, claims: Record<string, unknown> = {}): Promise<unknown> => {
      const resource = await roomsToken(made, { claims: { scope, txn: 'of-rooms', ...claims } })
      await exchange(made, { resource })
      return made.events.at(-1)
    }
    const both = { txn: 'txn-1', resource_txn: 'of-rooms' }
    expect(await toldOf('rooms.read')).toMatchObject({ type: 'granted', ...both })
    expect(await toldOf('rooms.book')).toMatchObject({ type: 'requested', ...both })
    expect(await toldOf('rooms.none')).toMatchObject({ type: 'refused', ...both })
    // Where it is one and the same there is nothing to join, and where the upstream token has none, it begins the action.
    expect(await toldOf('rooms.read', { txn: 'txn-1' })).not.toHaveProperty('resource_txn')
    const upstream = await upstreamToken(made, { claims: { txn: undefined } })
    const resource = await roomsToken(made, { claims: { txn: 'of-rooms' } })
    expect((await exchange(made, { upstream, resource })).status).toBe(200)
    expect(made.events.at(-1)).toMatchObject({ type: 'granted', txn: 'of-rooms' })
    expect(made.events.at(-1)).not.toHaveProperty('resource_txn')
    // What did not verify joins nothing.
    const forged = await roomsToken(made, { key: made.upstreamKey, claims: { txn: 'of-rooms' } })
    expect(await refusalOf(await exchange(made, { resource: forged }))).toMatchObject(
      plain(400, 'invalid_resource_token'),
    )
    expect(made.events.at(-1)).not.toHaveProperty('resource_txn')
  },
)
