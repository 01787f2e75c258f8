import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { folderOfTest } from '@countersign/testing/folders'
import { required } from '@countersign/testing/services'
import { afterAll, describe, expect, test } from 'vitest'
import type { VectorRequest } from './index.js'

const own = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(own, 'python/README.md'), 'utf8')
const env = { ...process.env, PYTHONPATH: join(own, 'python'), PYTHONDONTWRITEBYTECODE: '1' }
const hasPython = required('python') || spawnSync('python3', ['-c', 'import cryptography']).status === 0
const children: ChildProcess[] = []

afterAll(() => {
  for (const child of children) child.kill()
})

/** Writes a program of the README into a folder, as it stands. */
function programOf(name: string): string {
  const [, text] = new RegExp(`^\`\`\`python ${name}\\n([^]*?)^\`\`\``, 'm').exec(readme) ?? []
  if (text === undefined) throw new Error(`the README has no ${name}`)
  const file = join(folderOfTest(), name)
  writeFileSync(file, text)
  return file
}

interface Maker {
  readonly signedRequest: (made: object) => { readonly input: VectorRequest }
}

interface Recipes {
  readonly inlineGet: object
}

const script = (name: string): Promise<unknown> => import(new URL(`../scripts/${name}.mjs`, import.meta.url).href)

/** A GET by an inline key, signed now. */
async function signedNow(): Promise<VectorRequest> {
  const { signedRequest } = (await script('signed')) as Maker
  const { inlineGet } = (await script('recipes')) as Recipes
  return signedRequest({ ...inlineGet, parameters: `created=${Math.floor(Date.now() / 1000)}` }).input
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

const good: Answer = {
  status: 401,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'agent-auth': 'httpsig' },
  body: {
    error: 'invalid_signature',
    reason: 'signature_missing',
    error_description: 'the request must be signed',
    required_components: ['@method', '@authority', '@path', 'signature-key'],
  },
}
const { 'agent-auth': _challenge, ...unchallenged } = good.headers
const { reason: _reason, ...unreasoned } = good.body
const { required_components: _components, ...uncovered } = good.body
const refused = (error: string): Answer['body'] => ({ ...good.body, error })

/** Answers that break one rule, by path. */
const answers = new Map<string, Answer>([
  ['/broken', { ...good, headers: { ...good.headers, 'agent-auth': 'httpsig; auth-token' } }],
  ['/no-reason', { ...good, body: unreasoned }],
  ['/status', { ...good, status: 400 }],
  ['/no-date', { ...good, headers: { ...good.headers, date: 'none' } }],
  ['/no-challenge', { ...good, headers: unchallenged }],
  ['/replayed', { ...good, body: refused('replay_detected') }],
  ['/stored', { ...good, headers: { ...good.headers, 'cache-control': 'private' } }],
  ['/no-retry', { ...good, status: 429, headers: unchallenged, body: refused('rate_limited') }],
  ['/no-allow', { ...good, status: 405, headers: unchallenged, body: refused('invalid_request') }],
  ['/no-components', { ...good, body: uncovered }],
  ['/no-algs', { ...good, body: refused('unsupported_algorithm') }],
])

const unchallengedFault = 'a 401 has Agent-Auth, but for replay_detected'
const faulty = new Map([
  ['/no-reason', 'the body has error, reason and error_description'],
  ['/status', 'the status is one of this error'],
  ['/no-date', 'a 401 and a 5xx have Date'],
  ['/no-challenge', unchallengedFault],
  ['/replayed', unchallengedFault],
  ['/stored', 'a challenge is not stored'],
  ['/no-retry', 'a 429 and a 503 have Retry-After'],
  ['/no-allow', 'a 405 has Allow'],
  ['/no-components', 'invalid_signature has required_components'],
  ['/no-algs', 'unsupported_algorithm has algs'],
])

describe.skipIf(!hasPython)('the programs of the README (skipped without python3 and its package cryptography)', () => {
  test('ask a server what an unsigned caller must do, and whether it says so by the rules', async () => {
    const server = createServer((request, response) => {
      const { status, headers, body } = answers.get(request.url ?? '') ?? good
      response.sendDate = headers['date'] !== 'none'
      const { date: _date, ...lines } = headers
      response.writeHead(status, lines)
      response.end(JSON.stringify(body))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const file = programOf('ask.py')
    const ask = async (target: string) =>
      (await promisify(execFile)('python3', [file, authority, target], { env })).stdout.trim().split('\n')
    const lines = await ask('/good')
    expect(lines).toHaveLength(1)
    expect(readme).toContain(lines[0])
    await expect(ask('/broken')).rejects.toThrow('Dropped')
    const told = await Promise.all(
      [...faulty].map(async ([target, fault]) => [target, fault, await ask(target)] as const),
    )
    for (const [target, fault, [first, ...rest]] of told) {
      expect(first, target).toBe(`broken: ${fault}`)
      expect(rest, target).toHaveLength(1)
    }
    server.close()
  })

  test('tell of a request who sent it', async () => {
    const child = spawn('python3', [programOf('guard.py')], { env, stdio: ['ignore', 'pipe', 'ignore'] })
    children.push(child)
    const [printed] = (await once(child.stdout, 'data')) as [Buffer]
    const { headers, target } = await signedNow()
    const send = (path: string) =>
      fetch(`http://127.0.0.1:${String(printed).trim()}${path}`, {
        headers: headers.filter(([name]) => name !== 'host').map(([name, value]) => [name, value]),
      })
    const passed = await send(target)
    expect([passed.status, await passed.json()]).toEqual([200, expect.objectContaining({ level: 'pseudonymous' })])
    const changed = await send(target.replace('2027', '2028'))
    expect([changed.status, await changed.json()]).toEqual([
      401,
      { error: 'invalid_signature', reason: 'signature_wrong' },
    ])
  })
})

describe('the table of files', () => {
  const rows = readme.split('\n').filter(line => /^\| `\w+\.py`/.test(line))
  const listed = rows.flatMap(row =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)\.py`/g)].map(([, name = '']) => name),
  )
  const folderOfModules = join(own, 'python/aauth_vectors')

  test('names every file', () => {
    const modules = readdirSync(folderOfModules).filter(file => /^[a-z]\w+\.py$/.test(file))
    expect(modules.length).toBeGreaterThan(15)
    expect(listed.toSorted()).toEqual(modules.map(file => file.replace('.py', '')).toSorted())
  })

  test('has each file below those that it needs', () => {
    const upward = listed.flatMap((name, at) => {
      const text = readFileSync(join(folderOfModules, `${name}.py`), 'utf8')
      const single = [...text.matchAll(/^from \.(\w+) import/gm)].map(([, needed = '']) => needed)
      const several = [...text.matchAll(/^from \. import (.+)$/gm)].flatMap(([, names = '']) => names.split(', '))
      const needed = [...single, ...several.map(one => one.replace(/ as \w+$/, ''))]
      return needed.filter(other => listed.indexOf(other) >= at).map(other => `${name} needs ${other}`)
    })
    expect(upward).toEqual([])
  })
})
