import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openOperator } from '@countersign/console'
import { epochFile } from '@countersign/protocol/node'
import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  askUser,
  browserOf,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
  secondInstance,
} from '@countersign/testing/auth/consent'
import { agentServer, ask, delegate, granted, send, type World } from '@countersign/testing/auth/world'
import { temporaryFolder } from '@countersign/testing/folders'
import { memoryEpoch } from '@countersign/testing/memory-epoch'
import { postgresForTests } from '@countersign/testing/postgres'
import { plain, refusalOf } from '@countersign/testing/responses'
import { inviteUser } from '@countersign/user-desk'
import { expect, test } from 'vitest'
import { restoreAuthServer } from './index.js'
import { askUsers, directGrants, firstOf } from './policy/policies.js'

const postgres = await postgresForTests(2)
const folder = temporaryFolder()

/** The files of one auth server: its database, a backup of that, and what is kept with its keys. */
function place(): { file: string; backup: string; epoch: ReturnType<typeof epochFile>; copy(name: string): string } {
  const own = mkdtempSync(join(folder, 'one-'))
  return {
    file: join(own, 'auth.db'),
    backup: join(own, 'backup.db'),
    epoch: epochFile(join(own, 'epoch.json')),
    copy: name => join(own, name),
  }
}

const policy = firstOf(
  directGrants([{ agent: 'https://agent.example', resource: 'https://calendar.example', scopes: ['events.read'] }]),
  askUsers([{ agents: 'any', resources: 'any' }]),
)

const refresh = (made: World, signer: Parameters<typeof send>[1], refresh_token: string): Promise<Response> =>
  send(made, signer, { request_type: 'refresh', refresh_token })

/** A copy as an operator makes it: of a database that is closed. */
const backUp = (from: string, to: string): void => copyFileSync(from, to)

test(
  verifies(
    'restore.epoch',
    'a restored database does not start; prepared, it has no earlier code, request, session or user’s grant',
  ),
  async () => {
    const { file, backup, epoch } = place()
    const options = { database: `sqlite:${file}`, epoch, policy }
    const made = await consentWorld(options)
    const phone = await delegate(made, 'phone')
    const ada = await browserOf(made, 'ada')
    const direct = await granted(await ask(made, agentServer(made)))
    const first = await allowedCode(made, phone, { one: ada })
    const tokens = await granted(await redeemCode(made, phone, first))
    const unused = await allowedCode(made, phone, { one: ada, scope: 'events.write' })
    const waiting = await requestTokenOf(await askUser(made, phone, { scope: 'events.delete' }))
    const at = { issuer: 'https://auth.example', database: options.database, now: () => made.clock.now }
    await inviteUser(at)
    const operator = await openOperator(at)
    for (const name of ['ada', 'bob']) await operator.admins.add({ name, origin: 'https://admin.example' })
    await operator.close()
    await made.auth.close()
    backUp(file, backup)

    // It runs on: the code is used, the grant is taken back.
    const on = { ...made, auth: await made.reopen() }
    await granted(await redeemCode(on, phone, unused))
    await send(on, phone, { token: tokens.refresh_token }, { target: '/agent/revoke' })
    expect((await refresh(on, phone, tokens.refresh_token)).status).toBe(400)
    await on.auth.close()

    backUp(backup, file)
    rmSync(`${file}-wal`, { force: true })
    await expect(made.reopen()).rejects.toMatchObject({ name: 'StoreError', code: 'restored' })
    await expect(made.reopen()).rejects.toMatchObject({ code: 'restored' })
    const now = () => made.clock.now
    expect(await restoreAuthServer({ database: options.database, epoch, now })).toEqual({
      requests: 2,
      invitations: 1,
      admins: 2,
      sessions: 1,
      grants: 1,
      consents: 2,
      keys: 0,
    })
    const after = { ...made, auth: await made.reopen() }
    expect(await refusalOf(await redeemCode(after, phone, unused))).toEqual(
      plain(400, 'invalid_grant', 'grant_invalid'),
    )
    expect(await refusalOf(await refresh(after, phone, tokens.refresh_token))).toEqual(
      plain(400, 'invalid_grant', 'grant_invalid'),
    )
    const back = await browserOf(after, 'ada')
    expect((await open(back, linkOf(waiting))).status).toBe(400)
    // What policy grants it grants again, and the user is really asked.
    expect((await refresh(after, agentServer(after), direct.refresh_token)).status).toBe(200)
    const link = linkOf(await requestTokenOf(await askUser(after, phone)))
    expect((await open(back, link)).status).toBe(200)
    await after.auth.close()
  },
)

test(verifies('restore.epoch', 'a backup that the operator trusts keeps grants of users, and no code'), async () => {
  const { file, backup, epoch } = place()
  const options = { database: `sqlite:${file}`, epoch }
  const made = await consentWorld(options)
  const phone = await delegate(made, 'phone')
  const tokens = await granted(await redeemCode(made, phone, await allowedCode(made, phone)))
  const unused = await allowedCode(made, phone)
  await made.auth.close()
  backUp(file, backup)
  const on = { ...made, auth: await made.reopen() }
  await granted(await redeemCode(on, phone, unused))
  await on.auth.close()
  backUp(backup, file)
  await expect(made.reopen()).rejects.toMatchObject({ code: 'restored' })
  const ended = await restoreAuthServer({
    database: options.database,
    epoch,
    trustBackup: true,
    now: () => made.clock.now,
  })
  expect(ended).toEqual({ requests: 1, invitations: 0, admins: 0, sessions: 2, grants: 0, consents: 0, keys: 0 })
  const after = { ...made, auth: await made.reopen() }
  expect((await refresh(after, phone, tokens.refresh_token)).status).toBe(200)
  expect(await refusalOf(await redeemCode(after, phone, unused))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
  await after.auth.close()
})

test(
  verifies('restore.epoch', 'a database that is empty, or another, does not start on the keys of one that was'),
  async () => {
    const { file, epoch, copy } = place()
    const made = await consentWorld({ database: `sqlite:${file}`, epoch })
    await made.auth.close()
    for (const database of [`sqlite:${copy('empty.db')}`, 'sqlite::memory:']) {
      await expect(consentWorld({ database, epoch })).rejects.toMatchObject({ code: 'restored' })
    }
    const other = place()
    await (await consentWorld({ database: `sqlite:${other.file}`, epoch: other.epoch })).auth.close()
    await expect(consentWorld({ database: `sqlite:${other.file}`, epoch })).rejects.toMatchObject({ code: 'restored' })
    // The twins: it goes on where it was, and a mark that was lost is written anew.
    const again = await consentWorld({ database: `sqlite:${file}`, epoch })
    const without = await consentWorld({ database: `sqlite:${file}`, epoch: epochFile(copy('new.json')) })
    expect([made.events, again.events, without.events]).toEqual([[], [], [{ type: 'alarm', reason: 'epoch-lost' }]])
    await Promise.all([again.auth.close(), without.auth.close()])
    await restoreAuthServer({ database: `sqlite:${copy('empty.db')}`, epoch })
    await (await consentWorld({ database: `sqlite:${copy('empty.db')}`, epoch })).auth.close()
  },
)

test.skipIf(postgres.away !== '')(
  verifies(
    'restore.epoch',
    `on PostgreSQL: a copy that missed a revocation does not start before it is prepared${postgres.away}`,
  ),
  async () => {
    const { epoch } = place()
    const database = postgres.newUrl()
    const made = await consentWorld({ database, epoch })
    const phone = await delegate(made, 'phone')
    const tokens = await granted(await redeemCode(made, phone, await allowedCode(made, phone)))
    const backup = await postgres.copyOf(database)
    await send(made, phone, { token: tokens.refresh_token }, { target: '/agent/revoke' })
    await made.auth.close()
    const at = (url: string): Promise<World> => secondInstance(made, url, { epoch })
    await expect(at(backup)).rejects.toMatchObject({ code: 'restored' })
    expect(await restoreAuthServer({ database: backup, epoch })).toMatchObject({ grants: 1, consents: 1 })
    const after = await at(backup)
    expect(await refusalOf(await refresh(after, phone, tokens.refresh_token))).toEqual(
      plain(400, 'invalid_grant', 'grant_invalid'),
    )
    await granted(await redeemCode(after, phone, await allowedCode(after, phone)))
    await after.auth.close()
    // What was current before is behind now: the epoch has moved on.
    await expect(at(database)).rejects.toMatchObject({ code: 'restored' })
  },
)

test(verifies('restore.epoch', 'a decision that must not be undone advances the epoch within seconds'), async () => {
  const { file, epoch } = place()
  const made = await consentWorld({ database: `sqlite:${file}`, epoch })
  const before = await epoch.read()
  const phone = await delegate(made, 'phone')
  const code = await allowedCode(made, phone)
  await granted(await redeemCode(made, phone, code))
  for (let turn = 0; turn < 50 && (await epoch.read())?.epoch === before?.epoch; turn++) await sleep(100)
  expect((await epoch.read())?.epoch).toBeGreaterThan(before?.epoch ?? 0)
  await made.auth.close()
})

test(verifies('restore.epoch', 'after its database was restored under it, a running server answers 503'), async () => {
  const epoch = memoryEpoch()
  const { file } = place()
  const made = await consentWorld({ database: `sqlite:${file}`, epoch })
  await made.auth.ready()
  // As a replica that takes over without the last writes: another process has set the epoch back.
  const { openStore } = await import('@countersign/store')
  const { migrations, room } = await import('./tables/tables.js')
  const store = await openStore<{ auth_server_epoch: { epoch: number } }>({ url: `sqlite:${file}`, room, migrations })
  await store.write(tx => tx.updateTable('auth_server_epoch').set({ epoch: 1 }).execute())
  made.clock.now += 61
  // The look at the epoch runs beside the requests.
  const readiness = () =>
    made.auth.ready().then(
      () => 'ready',
      ({ code }) => code,
    )
  await expect.poll(readiness, { timeout: 10_000 }).toBe('restored')
  const answer = await ask(made, agentServer(made))
  expect(await refusalOf(answer)).toEqual(plain(503, 'temporarily_unavailable', 'database_restored'))
  await Promise.all([made.auth.close(), store.close()])
})
