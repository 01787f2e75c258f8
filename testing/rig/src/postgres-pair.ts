import { join } from 'node:path'
import { baseBackup, newPostgres, type PostgresServer, postgresIn } from './postgres-server.js'
import { rigFolder } from './rig-folder.js'
import { pause } from './rig-process.js'

/** A primary and the standby that has each write before it is acknowledged. */
export interface PostgresPair {
  /** The server that takes writes. */
  readonly primary: PostgresServer
  /** The server that follows it; after `promote` the former primary, which does not. */
  readonly standby: PostgresServer
  /** Both servers: `postgres://postgres@127.0.0.1:P1,127.0.0.1:P2/test?target_session_attrs=read-write`. */
  readonly url: string
  /** Makes the standby the primary, which then acknowledges without a standby. End the former primary first. */
  promote(): Promise<void>
  /** Makes the other server anew as the standby of the primary, and waits until it has all. */
  followAgain(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts both on loopback.
 * @param settings more settings, as of postgresql.conf, for both
 */
export async function startPostgresPair(settings?: Readonly<Record<string, string>>): Promise<PostgresPair> {
  const { folder, remove } = rigFolder()
  const first = await newPostgres({ folder: join(folder, 'first'), settings })
  const second = await postgresIn({ folder: join(folder, 'second'), settings })
  let [primary, standby] = [first, second]
  const followAgain = async (): Promise<void> => {
    await standby.kill()
    baseBackup(primary, standby.folder, 'standby')
    await standby.start()
    await primary.query("alter system set synchronous_standby_names = 'standby'")
    await primary.query('select pg_reload_conf()')
    while (!(await isSynchronous(primary))) await pause(50)
  }
  await followAgain()
  return {
    get primary() {
      return primary
    },
    get standby() {
      return standby
    },
    url: `postgres://postgres@127.0.0.1:${first.port},127.0.0.1:${second.port}/test?target_session_attrs=read-write`,
    async promote() {
      // It came along with the data of the primary, and would have every write wait for a standby.
      await standby.query('alter system reset synchronous_standby_names')
      await standby.query('select pg_reload_conf()')
      await standby.query('select pg_promote()')
      ;[primary, standby] = [standby, primary]
    },
    followAgain,
    async stop() {
      await Promise.all([first.stop(), second.stop()])
      remove()
    },
  }
}

async function isSynchronous(primary: PostgresServer): Promise<boolean> {
  const rows = await primary.query("select 1 from pg_stat_replication where sync_state = 'sync'")
  return rows.length > 0
}
