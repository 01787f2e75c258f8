import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { verifies } from '@countersign/requirements'
import { afterEach, expect, test, vi } from 'vitest'

const loader = `
import { runnerImport } from 'vite'
const conditions = ['@countersign/source', 'node', 'module', 'default']
await runnerImport(process.env.CHILD, {
  configFile: false, root: process.env.ROOT, logLevel: 'silent', resolve: { conditions }, ssr: { resolve: { conditions } },
})`

interface Child {
  readonly process: ChildProcess
  readonly url: string
  readonly out: () => string
  readonly log: () => Array<Record<string, unknown>>
  readonly ended: Promise<number | null>
}

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function startChild(...args: string[]): Promise<Child> {
  const child = spawn(process.execPath, ['--input-type=module', '-', ...args], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: {
      ...process.env,
      CHILD: fileURLToPath(new URL('./serve.test.child.ts', import.meta.url)),
      ROOT: fileURLToPath(new URL('..', import.meta.url)),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.push(child)
  child.stdin.end(loader)
  let out = ''
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      const ready = /^countersign room ready at (\S+)\n/.exec(out)
      if (ready?.[1] !== undefined) resolve(ready[1])
    })
    void ended.then(code => reject(new Error(`ended with ${code}: ${err}`)))
  })
  const log = (): Array<Record<string, unknown>> =>
    err
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  return { process: child, url, out: () => out, log, ended }
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(error)
}

/** Calls again and again until the server refuses connections; adds the status of every answer. */
async function hammer(url: string, stop: { now: boolean }, refusals: string[], statuses: number[]): Promise<void> {
  while (!stop.now) {
    let response: Response
    try {
      response = await fetch(url)
    } catch (error) {
      refusals.push(causeOf(error))
      return
    }
    statuses.push(response.status)
    // What has begun to answer answers in full.
    expect(await response.text()).not.toBe('')
  }
}

test(verifies(
  'F-59',
  'error.unavailable',
  'SIGTERM under load: readiness fails first, what is under way finishes, exit 0',
), { timeout: 30_000 }, async () => {
  const child = await startChild('production', '60', '3')
  const stop = { now: false }
  const refusals: string[] = []
  const statuses: number[] = []
  const load = Array.from({ length: 12 }, () => hammer(child.url, stop, refusals, statuses))
  await vi.waitUntil(() => statuses.length > 30, { timeout: 20_000 })
  expect((await fetch(`${child.url}/readyz`)).status).toBe(200)
  const slow = fetch(`${child.url}/?hold`)
  await vi.waitUntil(() => child.out().includes('took hold\n'), { timeout: 20_000 })
  child.process.kill('SIGTERM')
  const ready = await vi.waitUntil(async () => {
    const answer = await fetch(`${child.url}/readyz`)
    return answer.status === 200 ? undefined : answer
  }, 20_000)
  expect([ready.status, ready.headers.has('retry-after')]).toEqual([503, true])
  // Not ready any more, but who comes is still served.
  expect((await fetch(child.url)).status).toBe(200)
  const refused = (): Promise<boolean> =>
    fetch(child.url).then(
      () => false,
      () => true,
    )
  await vi.waitUntil(refused, { timeout: 20_000 })
  child.process.kill('SIGUSR2')
  const slowAnswer = await slow
  expect([slowAnswer.status, await slowAnswer.text()]).toEqual([200, 'done'])
  expect(await child.ended).toBe(0)
  stop.now = true
  await Promise.all(load)
  expect(new Set(statuses)).toEqual(new Set([200]))
  // Refused, or reset by the kernel before the server took the connection; and of what it took, nothing was cut.
  for (const code of refusals) expect(['ECONNREFUSED', 'ECONNRESET']).toContain(code)
  expect(child.log().filter(record => record['cut'] === true)).toEqual([])
  const said = [`countersign room ready at ${child.url}`, 'took hold', 'closed with 0 open']
  expect(child.out().trim().split('\n')).toEqual(said)
})

test(verifies('F-59', 'a request that does not finish in time is cut off, and the process still ends with 0'), {
  timeout: 30_000,
}, async () => {
  const child = await startChild('production', '3')
  const slow = fetch(`${child.url}/?never`).then(
    () => 'answered',
    () => 'cut',
  )
  const quick = fetch(`${child.url}/?hold`).then(response => response.text())
  await vi.waitUntil(() => ['took hold\n', 'took never\n'].every(said => child.out().includes(said)), {
    timeout: 20_000,
  })
  child.process.kill('SIGINT')
  child.process.kill('SIGUSR2')
  expect(await child.ended).toBe(0)
  expect(await Promise.all([slow, quick])).toEqual(['cut', 'done'])
  expect(child.log().map(record => record['msg'])).toContain('requests still under way were cut off')
})

test('development mode is said at start, on the log and before the ready line', { timeout: 30_000 }, async () => {
  const child = await startChild('development')
  expect(child.url).toMatch(/^http:\/\/localhost:\d+$/)
  const [first] = child.log()
  expect(first).toMatchObject({ level: 'warn', name: 'room' })
  expect(String(first?.['msg'])).toContain('development mode')
  expect(child.out()).toBe(`countersign room ready at ${child.url}\n`)
  expect((await fetch(`${child.url}/healthz`)).status).toBe(200)
  child.process.kill('SIGTERM')
  expect(await child.ended).toBe(0)
})
