import pg from 'pg'

/** Rows of one statement: each fits into the log between two checkpoints. */
const batch = 1_000_000

/**
 * Adds grants of other principals as issuing would, three of four by a user, and resolves with the bytes that each takes on the disk,
 * indexes included.
 */
export async function populateGrants(url: string, count: number): Promise<number> {
  return withClient(url, async client => {
    const now = Math.floor(Date.now() / 1000)
    const text = (seed: string): string => `substr(md5('${seed}' || n) || md5(n || '${seed}'), 1, 43)`
    for (let from = 1; from <= count; from += batch)
      await client.query(`insert into auth_server_grants (refresh_hash, id, agent, agent_delegate, resource, scope, created,
          last_used, user_sub, claims, redemption_hash)
        select ${text('r')}, gen_random_uuid(), 'https://agent.example', 'other-' || (n / 20), 'https://calendar.example',
          'events.read', ${now}, ${now},
          case when n % 4 = 0 then null else substr(md5('u' || n), 1, 22) end,
          case when n % 4 = 0 then null else
            '{"name":"User ' || n || '","email":"user' || n || '@users.example","email_verified":true}' end,
          case when n % 4 = 0 then null else ${text('c')} end
        from generate_series(${from}, ${Math.min(count, from + batch - 1)}) as n`)
    return settle(client, 'auth_server_grants', count)
  })
}

/** Adds delegates as enrolment would, and resolves with the bytes that each takes on the disk, indexes included. */
export async function populateDelegates(url: string, count: number): Promise<number> {
  return withClient(url, async client => {
    await client.query(`insert into agent_server_delegates (sub, jkt, enrollment, created, last_seen)
      select md5('s' || n), substr(md5('j' || n) || md5(n || 'j'), 1, 43), 'code:' || n, 0, 0
      from generate_series(1, ${count}) as n`)
    return settle(client, 'agent_server_delegates', count)
  })
}

/** Planned and written out, so that no measurement pays for it. */
async function settle(client: pg.Client, table: string, count: number): Promise<number> {
  await client.query(`vacuum analyze ${table}`)
  await client.query('checkpoint')
  const { rows } = await client.query(`select pg_total_relation_size('${table}')::float8 as bytes`)
  return rows[0].bytes / count
}

async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}
