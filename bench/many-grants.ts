import { createHash, randomUUID } from 'node:crypto'
import Database from 'libsql'
import pg from 'pg'

/** Runs statements on a database beside the auth server that uses it. */
export interface SideDoor {
  run(sql: string): Promise<void>
  one(sql: string): Promise<Readonly<Record<string, unknown>>>
  close(): Promise<void>
}

/** Opens the database of a store URL. */
export async function sideDoor(url: string): Promise<SideDoor> {
  if (url.startsWith('sqlite:')) {
    const database = new Database(url.slice('sqlite:'.length))
    return {
      run: async sql => void database.exec(sql),
      one: async sql => database.prepare(sql).get() as Readonly<Record<string, unknown>>,
      close: async () => void database.close(),
    }
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    run: async sql => void (await client.query(sql)),
    one: async sql => (await client.query(sql)).rows[0] as Readonly<Record<string, unknown>>,
    close: () => client.end(),
  }
}

const agents = 250
const resources = 50
/** Rows of one statement. */
const batch = 500

/** The resources of {@link grantsOf}, each of a site of its own. */
export const resourceIds: readonly string[] = Array.from(
  { length: resources },
  (_, n) => `https://resource-${n}.example`,
)

/** Statements that give one user so many grants, as codes would: agents with some delegates, at many resources. */
export function grantsOf(user: string, count: number): string[] {
  const now = Math.floor(Date.now() / 1000)
  const words = `{"events.read":"See your events","events.write":"Change your events"}`
  const row = (n: number): string => {
    const hash = createHash('sha256').update(`${user} ${n}`).digest('base64url')
    const [agent, delegate] = [`https://agent-${n % agents}.example`, n % 3 === 0 ? '' : `device-${n % 7}`]
    const values = [hash, randomUUID(), agent, delegate, resourceIds[n % resources], 'events.read events.write']
    const times = `${now - (n % 86_400)},${now - (n % 3600)}`
    return `(${values.map(value => `'${value}'`).join(',')},${times},'${user}','{}','${hash}','${words}')`
  }
  return Array.from({ length: Math.ceil(count / batch) }, (_, part) => {
    const rows = Array.from({ length: Math.min(batch, count - part * batch) }, (_, n) => row(part * batch + n))
    return `insert into auth_server_grants (refresh_hash, id, agent, agent_delegate, resource, scope, created, last_used,
      user_sub, claims, redemption_hash, words) values ${rows.join(',')}`
  })
}
