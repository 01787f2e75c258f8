import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateJwk } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keysFile } from '../node.js'

let folder = ''
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-keys-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
const newPath = (): string => join(folder, `${++files}.jwks`)

test('the first start makes one Ed25519 key for the owner only, later starts read it', async () => {
  const path = newPath()
  const made = await keysFile(path)
  expect(made).toHaveLength(1)
  expect(made[0]?.key.algorithm).toBe('Ed25519')
  expect(made[0]?.kid).toMatch(/^[A-Za-z0-9_-]{16}$/)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const again = await keysFile(path)
  expect(again.map(key => [key.kid, key.key.publicJwk])).toEqual(made.map(key => [key.kid, key.key.publicJwk]))
  // Nothing with a private key is left lying about.
  expect((await readdir(folder)).filter(name => name.startsWith(`${files}.`))).toEqual([`${files}.jwks`])
})

test(verifies('F-40', 'instances that start at the same time get the same key'), async () => {
  const path = newPath()
  const all = await Promise.all(Array.from({ length: 8 }, () => keysFile(path)))
  expect(new Set(all.map(keys => keys.map(key => key.kid).join())).size).toBe(1)
  expect(JSON.parse(await readFile(path, 'utf8')).keys).toHaveLength(1)
})

test('keys that other users may read are refused, and accepted with mode 0600', async () => {
  const path = newPath()
  await keysFile(path)
  for (const mode of [0o644, 0o640, 0o604, 0o620]) {
    await chmod(path, mode)
    await expect(keysFile(path), mode.toString(8)).rejects.toThrow(/chmod 600/)
  }
  await chmod(path, 0o600)
  expect(await keysFile(path)).toHaveLength(1)
})

test('several keys are returned in their order', async () => {
  const path = newPath()
  const keys = [
    { ...(await generatePrivateJwk()), kid: 'new' },
    { ...(await generatePrivateJwk('ES256')), kid: 'old' },
  ]
  await writeFile(path, JSON.stringify({ keys }), { mode: 0o600 })
  expect((await keysFile(path)).map(({ kid, key }) => [kid, key.algorithm])).toEqual([
    ['new', 'Ed25519'],
    ['old', 'ES256'],
  ])
})

test(
  verifies('LOG-02', 'a file that is no set of private keys is refused without a word of what it holds'),
  async () => {
    const jwk = { ...(await generatePrivateJwk()), kid: 'k' }
    const { d, ...withoutPrivate } = jwk
    const wrong: ReadonlyArray<readonly [string, string]> = [
      ['not JSON', `{"keys":[{"d":"${d}"`],
      ['no keys', '{}'],
      ['empty', '{"keys":[]}'],
      ['twice the kid', JSON.stringify({ keys: [jwk, { ...(await generatePrivateJwk()), kid: 'k' }] })],
      ['no kid', JSON.stringify({ keys: [{ ...jwk, kid: undefined }] })],
      ['public only', JSON.stringify({ keys: [withoutPrivate] })],
      ['another private key', JSON.stringify({ keys: [{ ...jwk, d: (await generatePrivateJwk()).d }] })],
      ['null entry', JSON.stringify({ keys: [null] })],
    ]
    for (const [what, text] of wrong) {
      const path = newPath()
      await writeFile(path, text, { mode: 0o600 })
      const error: unknown = await keysFile(path).catch((thrown: unknown) => thrown)
      expect(error, what).toBeInstanceOf(Error)
      expect(String(error), what).toContain(path)
      expect(String(error), what).not.toContain(d)
    }
    const path = newPath()
    await writeFile(path, JSON.stringify({ keys: [jwk] }), { mode: 0o600 })
    expect(await keysFile(path)).toHaveLength(1)
  },
)
