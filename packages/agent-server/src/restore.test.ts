import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { generateSigningKey } from '@countersign/httpsig'
import { epochFile } from '@countersign/protocol/node'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { temporaryFolder } from '@countersign/testing/folders'
import { memoryEpoch } from '@countersign/testing/memory-epoch'
import { postgresForTests } from '@countersign/testing/postgres'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test, vi } from 'vitest'
import {
  agentTokenOf,
  enrolled,
  enrollmentBody,
  kidsOf,
  newYear,
  post,
  renewal,
  rotation,
  type Scene,
  scene,
} from './delegate.test.fixture.js'
import { distrustProofsUntil, takeProof } from './enrollment/used-proof.js'
import { restoreAgentServer } from './index.js'
import { migrations, room, type Tables } from './tables.js'

const postgres = await postgresForTests(2)
const folder = temporaryFolder()

const keys = { rotateEvery: 3600, publishAhead: 60 }

/** A backup that was made before a code was used, a delegate revoked and a key replaced. */
async function restoredPlace() {
  const own = mkdtempSync(join(folder, 'one-'))
  const [file, backup] = [join(own, 'agent.db'), join(own, 'backup.db')]
  const options = { database: `sqlite:${file}`, epoch: epochFile(join(own, 'epoch.json')), keys }
  const first = await scene(options)
  const [lost, phone, tablet] = [
    await enrolled(first, 'lost'),
    await enrolled(first, 'phone'),
    await enrolled(first, 'tablet'),
  ]
  const invitation = await first.server.invite({ sub: 'guest', expiresIn: 86_400 })
  const kids = await kidsOf(first.server)
  await first.server.close()
  copyFileSync(file, backup)

  const on = await scene(options)
  const guest = { key: await generateSigningKey(), body: enrollmentBody(invitation.code) }
  expect((await on.server.handle(await post(on, guest))).status).toBe(200)
  expect(await on.server.revoke('lost')).toBe(true)
  const next = await generateSigningKey()
  expect((await on.server.handle(await rotation(on, phone, next))).status).toBe(200)
  await on.server.close()
  copyFileSync(backup, file)
  rmSync(`${file}-wal`, { force: true })
  return { options, lost, phone, tablet, invitation, kids }
}

const statusOf = async (at: Scene, message: Parameters<Scene['server']['handle']>[0]): Promise<number> =>
  (await at.server.handle(message)).status

test(
  verifies(
    'restore.delegates',
    'a restored database does not start; once prepared, it has no earlier code, revoked delegate or replaced key',
  ),
  async () => {
    const { options, lost, phone, tablet, invitation, kids } = await restoredPlace()
    await expect(scene(options)).rejects.toMatchObject({ name: 'StoreError', code: 'restored' })
    const { database, epoch } = options
    expect(await restoreAgentServer({ database, epoch, now: () => newYear + 60 })).toEqual({
      codes: 4,
      delegates: 3,
      keys: 1,
    })
    const after = await scene(options)
    expect((await kidsOf(after.server)).some(kid => kids.includes(kid))).toBe(false)
    for (const before of [lost, phone, tablet]) expect(await statusOf(after, await renewal(after, before))).toBe(401)
    const again = { key: await generateSigningKey(), body: enrollmentBody(invitation.code) }
    expect(await statusOf(after, await post(after, again))).toBe(400)
    // The twin: an invitation lets a delegate enrol again, with a new key.
    const back = await enrolled(after, 'tablet')
    expect(await statusOf(after, await renewal(after, back))).toBe(200)
    await after.server.close()
  },
)

test(
  verifies('restore.delegates', 'a backup that the operator trusts keeps delegates and keys, and no code'),
  async () => {
    const { options, tablet, invitation, kids } = await restoredPlace()
    const { database, epoch } = options
    expect(await restoreAgentServer({ database, epoch, trustBackup: true })).toEqual({
      codes: 4,
      delegates: 0,
      keys: 0,
    })
    const after = await scene(options)
    expect(await kidsOf(after.server)).toEqual(kids)
    const answer = await after.server.handle(await renewal(after, tablet))
    expect(answer.status).toBe(200)
    expect(agentTokenOf(await answer.json())).not.toBe('')
    const again = { key: await generateSigningKey(), body: enrollmentBody(invitation.code) }
    expect(await statusOf(after, await post(after, again))).toBe(400)
    await after.server.close()
  },
)

test(verifies('restore.epoch', 'a lost epoch file is written anew, with an alarm'), async () => {
  const own = mkdtempSync(join(folder, 'lost-'))
  const database = `sqlite:${join(own, 'agent.db')}`
  const eventsOf = async (file: string): Promise<object[]> => {
    const { server, events } = await scene({ database, epoch: epochFile(join(own, file)), keys })
    await server.close()
    return events.filter(({ type }) => type === 'alarm')
  }
  expect(await eventsOf('epoch.json')).toEqual([])
  expect(await eventsOf('epoch.json')).toEqual([])
  expect(await eventsOf('other.json')).toEqual([{ type: 'alarm', reason: 'epoch-lost' }])
})

test(
  verifies('restore.delegates', 'a proof that was issued before a restore is refused: it may have been used'),
  async () => {
    const store = await openStore<Tables>({ url: 'sqlite::memory:', room, migrations })
    const take = (hash: string, issued: number) =>
      store.write(tx => takeProof(tx, { hash, sub: 'ci', issued, expires: newYear + 600, now: newYear }))
    await take('a', newYear - 10)
    await store.write(tx => distrustProofsUntil(tx, newYear))
    await expect(take('b', newYear)).rejects.toMatchObject({ code: 'invalid_grant', reason: 'enrolment_expired' })
    await take('c', newYear + 1)
    await store.close()
  },
)

test.skipIf(postgres.away !== '')(
  verifies(
    'restore.delegates',
    `on PostgreSQL: a copy that missed a revocation does not start before it is prepared${postgres.away}`,
  ),
  async () => {
    const epoch = epochFile(join(mkdtempSync(join(folder, 'pg-')), 'epoch.json'))
    const database = postgres.newUrl()
    const first = await scene({ database, epoch, keys })
    const phone = await enrolled(first, 'phone')
    const backup = await postgres.copyOf(database)
    await first.server.revoke('phone')
    await first.server.close()
    await expect(scene({ database: backup, epoch, keys })).rejects.toMatchObject({ code: 'restored' })
    expect(await restoreAgentServer({ database: backup, epoch })).toEqual({ codes: 1, delegates: 1, keys: 1 })
    const after = await scene({ database: backup, epoch, keys })
    expect(await statusOf(after, await renewal(after, phone))).toBe(401)
    expect(await statusOf(after, await renewal(after, await enrolled(after, 'phone')))).toBe(200)
    await after.server.close()
  },
)

test(verifies('restore.epoch', 'after its database was restored under it, a running server answers 503'), async () => {
  const epoch = memoryEpoch()
  const database = `sqlite:${join(mkdtempSync(join(folder, 'running-')), 'agent.db')}`
  const stage = await scene({ database, epoch, keys })
  const phone = await enrolled(stage, 'phone')
  expect(await statusOf(stage, await renewal(stage, phone))).toBe(200)
  // A replica takes over without the last writes.
  const store = await openStore<{ agent_server_epoch: { epoch: number } }>({ url: database, room, migrations })
  await store.write(tx => tx.updateTable('agent_server_epoch').set({ epoch: 1 }).execute())
  stage.clock.now += 61
  await vi.waitFor(() => expect(stage.server.ready()).rejects.toMatchObject({ code: 'restored' }))
  const refusal = await refusalOf(await stage.server.handle(await renewal(stage, phone)))
  expect(refusal).toMatchObject({ status: 503, error: 'temporarily_unavailable', reason: 'database_restored' })
  await Promise.all([stage.server.close(), store.close()])
})
