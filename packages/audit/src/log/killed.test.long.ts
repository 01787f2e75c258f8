import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatePrivateJwk, importSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { folderOfTest } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import { openLog, type TestLog } from '../audit.test.fixture.js'
import { verifyAudit } from '../index.js'

const loader = `
import { runnerImport } from 'vite'
const conditions = ['@countersign/source', 'node', 'module', 'default']
await runnerImport(process.env.CHILD, {
  configFile: false, root: process.env.ROOT, resolve: { conditions }, ssr: { resolve: { conditions } },
})`

interface Child {
  readonly process: ChildProcess
  readonly acknowledged: string[]
  readonly ended: Promise<unknown>
}

/** Starts a process that appends until it is killed. */
function startChild(url: string, jwk: object): Child {
  const child = spawn(process.execPath, ['--input-type=module', '-', url, JSON.stringify(jwk)], {
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    env: {
      ...process.env,
      CHILD: fileURLToPath(new URL('./killed.test.child.ts', import.meta.url)),
      ROOT: fileURLToPath(new URL('../..', import.meta.url)),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin?.end(loader)
  const acknowledged: string[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    acknowledged.push(...lines)
  })
  return { process: child, acknowledged, ended: new Promise(resolve => child.once('close', resolve)) }
}

/** The ids of all events that have a place. */
async function idsOf({ audit }: TestLog): Promise<string[]> {
  const ids: string[] = []
  for (let before: number | undefined; ; ) {
    const { events, next } = await audit.list({ limit: 1000, ...(before !== undefined && { before }) })
    ids.push(...events.map(({ id }) => id))
    if (next === undefined) return ids
    before = next
  }
}

describe.each(await databasesForTests(1))('in $name$away', ({ away, url }) => {
  test.skipIf(away !== '')(
    verifies('LOG-09', 'two processes that are killed again and again leave each event one place, in one history'),
    { timeout: 120_000 },
    async () => {
      const database = url()
      const jwk = await generatePrivateJwk()
      const acknowledged: string[] = []
      const kept: string[] = []
      const log = await openLog(database, { with: await importSigningKey(jwk) })
      for (const round of [1, 2, 3]) {
        const children = [startChild(database, jwk), startChild(database, jwk)]
        for (const child of children) {
          while (child.acknowledged.length < 100 + round * 37) await new Promise(resolve => setTimeout(resolve, 5))
        }
        for (const child of children) child.process.kill('SIGKILL')
        await Promise.all(children.map(child => child.ended))
        acknowledged.push(...children.flatMap(child => child.acknowledged))
        kept.push((await log.audit.checkpoint()) ?? '')
      }
      await log.audit.sequence()
      const ids = await idsOf(log)
      const placed = new Set(ids)
      expect(placed.size).toBe(ids.length)
      expect(acknowledged.length).toBeGreaterThan(600)
      expect(acknowledged.filter(id => !placed.has(id))).toEqual([])
      const folder = join(folderOfTest(), 'export')
      await log.audit.export(folder, { personal: 'with' })
      const report = await verifyAudit({ folder, publicKeys: [log.publicKey], kept })
      expect(report).toMatchObject({ ok: true, size: ids.length, events: ids.length, faults: [] })
      await log.close()
    },
  )
})
