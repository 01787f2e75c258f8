import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, onTestFinished, test } from 'vitest'
import { backupDatabase } from './backup.js'
import { openStore } from './index.js'
import { libsqlDatabase } from './libsql-database.js'

const loader = `
import { runnerImport } from 'vite'
const conditions = ['@countersign/source', 'node', 'module', 'default']
await runnerImport(process.env.CHILD, {
  configFile: false, root: process.env.ROOT, resolve: { conditions }, ssr: { resolve: { conditions } },
})`

/** A pair that the writing process has been promised, and when (Unix milliseconds). */
interface Acknowledged {
  readonly pair: number
  readonly at: number
}

/** A process that writes pairs, and the lines it has printed. */
async function writing(url: string, filling: number): Promise<{ child: ChildProcess; told: () => Acknowledged[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '-', url, String(filling)], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: {
      ...process.env,
      CHILD: fileURLToPath(new URL('./backup.test.child.ts', import.meta.url)),
      ROOT: fileURLToPath(new URL('..', import.meta.url)),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin?.end(loader)
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout?.on('data', chunk => {
    text += String(chunk)
  })
  const told = (): Acknowledged[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map(line => {
        const [pair, at] = line.split(' ').map(Number)
        return { pair: pair ?? Number.NaN, at: at ?? Number.NaN }
      })
  await expect.poll(() => told().length, { timeout: 20_000 }).toBeGreaterThan(20)
  return { child, told }
}

test('a copy beside a writer is whole: no write of before is missing, and none is torn', async () => {
  const folder = temporaryFolder()
  const url = `sqlite:${join(folder, 'busy.db')}`
  const { child, told } = await writing(url, 100_000)
  const before = told().map(({ pair }) => pair)
  const began = Date.now()
  const { file, bytes } = await backupDatabase({ url, to: join(folder, 'busy.backup') })
  const ended = Date.now()
  // Only now its lines of that time arrive here: the copy blocks this thread.
  await expect.poll(() => told().at(-1)?.at ?? 0).toBeGreaterThan(ended)
  // Writers did not wait for the copy.
  expect(told().filter(({ at }) => at > began && at < ended).length).toBeGreaterThan(10)
  child.kill('SIGTERM')
  await once(child, 'exit')

  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(file).size).toBe(bytes)
  expect(readdirSync(folder).filter(name => name.includes('backup'))).toEqual(['busy.backup'])
  const copy = libsqlDatabase(file)
  onTestFinished(() => copy.close())
  expect(copy.value('pragma integrity_check')).toBe('ok')
  const pairs = copy
    .prepare('select pair, count(*) as sides from pairs where pair > 0 group by pair')
    .all([])
    .map(row => row as { readonly pair: number; readonly sides: number })
  expect(pairs.filter(({ sides }) => sides !== 2)).toEqual([])
  const there = new Set(pairs.map(({ pair }) => pair))
  expect(before.filter(pair => !there.has(pair))).toEqual([])
  expect(copy.value('select count(*) from pairs where pair < 0')).toBe(200_000)
})

test('a copy opens as a database, and the source goes on', async () => {
  const folder = temporaryFolder()
  const room = {
    room: 'visits',
    migrations: [
      {
        name: '001',
        up: async (db: Parameters<Parameters<typeof openStore>[0]['migrations'][number]['up']>[0]) => {
          await db.schema.createTable('visits').addColumn('page', 'text').execute()
        },
      },
    ],
  }
  type Tables = { visits: { page: string } }
  const url = `sqlite:${join(folder, 'it’s.db')}`
  const store = await openStore<Tables>({ url, ...room })
  await store.write(tx => tx.insertInto('visits').values({ page: '/' }).execute())
  const { file } = await backupDatabase({ url, to: join(folder, "a 'copy'.db") })
  await store.write(tx => tx.insertInto('visits').values({ page: '/later' }).execute())
  const copy = await openStore<Tables>({ url: `sqlite:${file}`, ...room })
  expect(await copy.db.selectFrom('visits').selectAll().execute()).toEqual([{ page: '/' }])
  await copy.close()
  expect((await store.db.selectFrom('visits').selectAll().execute()).length).toBe(2)
  await store.close()
})

test('no file is replaced, followed or left half done', async () => {
  const folder = temporaryFolder()
  const at = (name: string): string => join(folder, name)
  const url = `sqlite:${at('small.db')}`
  const store = await openStore({ url, room: 'small', migrations: [] })
  await store.close()
  const exists = { code: 'EEXIST' }
  writeFileSync(at('kept'), 'kept')
  await expect(backupDatabase({ url, to: at('kept') })).rejects.toMatchObject(exists)
  expect(readFileSync(at('kept'), 'utf8')).toBe('kept')
  await expect(backupDatabase({ url, to: at('small.db') })).rejects.toMatchObject(exists)
  // Another user of the folder must not choose where the copy is written.
  symlinkSync(at('elsewhere'), at('copy.partial'))
  await expect(backupDatabase({ url, to: at('copy') })).rejects.toMatchObject(exists)
  expect(existsSync(at('elsewhere'))).toBe(false)
  writeFileSync(at('broken.db'), 'this is no database'.repeat(100))
  await expect(backupDatabase({ url: `sqlite:${at('broken.db')}`, to: at('of-broken') })).rejects.toThrow()
  expect(readdirSync(folder).filter(name => name.startsWith('of-broken'))).toEqual([])
  await expect(backupDatabase({ url, to: at('no/such/folder') })).rejects.toMatchObject({ code: 'ENOENT' })
  for (const other of ['sqlite::memory:', 'postgres://localhost/db'])
    await expect(backupDatabase({ url: other, to: at('other') })).rejects.toThrow(TypeError)
  await expect(backupDatabase({ url, too: at('x') } as never)).rejects.toThrow(/did you mean 'to'/)
  expect((await backupDatabase({ url, to: at('whole') })).file).toBe(at('whole'))
})
