import { randomUUID } from 'node:crypto'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { expect, test } from 'vitest'
import { migrations, room, type Tables } from '../tables/tables.js'
import { agentsPerPage, userAccessIn } from './access.js'

const start = 1_767_225_600
const many = 10_000

test(
  verifies('revocation.shown', 'ten thousand grants of one user are shown page by page, and taken back in one step'),
  async () => {
    const store = await openStore<Tables>({ url: 'sqlite::memory:', room, migrations })
    const rows = Array.from({ length: many }, (_, n) => ({
      refresh_hash: `hash-${n}`,
      id: randomUUID(),
      agent: `https://agent-${n % 250}.example`,
      agent_delegate: '',
      resource: `https://resource-${n % 50}.example`,
      scope: 'events.read',
      purpose: null,
      claims: '{}',
      created: start,
      last_used: start + (n % 100),
      user_sub: 'ada',
      redemption_hash: null,
      txn: null,
      words: '{}',
    }))
    await store.write(async tx => {
      for (let at = 0; at < many; at += 500)
        await tx
          .insertInto('auth_server_grants')
          .values(rows.slice(at, at + 500))
          .execute()
    })
    const access = userAccessIn(store, () => start + 200, { issuer: 'https://auth.example', onEnded: () => undefined })
    const began = process.cpuUsage()
    const page = await access.list('ada', 2)
    const { user, system } = process.cpuUsage(began)
    expect([page.pages, new Set(page.access.map(({ agent }) => agent)).size]).toEqual([13, agentsPerPage])
    // Some 15 ms; the bench has the measure.
    expect(user + system).toBeLessThan(500_000)
    const before = performance.now()
    expect(await access.takeBack('ada', {})).toBe(many)
    expect(performance.now() - before).toBeLessThan(15_000)
    expect((await access.list('ada', 1)).access).toEqual([])
    const { count } = await store.db
      .selectFrom('auth_server_notices')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('urgency', '=', 0)
      .executeTakeFirstOrThrow()
    expect(Number(count)).toBe(many)
    await store.close()
  },
)
