import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { run, stand } from './processes.fixture.js'

const place = stand()
afterAll(() => place.stop())

const kids = async (url: string): Promise<string[]> => {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: Array<{ kid: string }> }
  return keys.map(({ kid }) => kid)
}

test(
  verifies(
    'discovery.publish-ahead',
    'the command keeps rotating keys in its database, and a key file hands over to them',
  ),
  async () => {
    const port = await freePort()
    const url = `http://localhost:${port}`
    const data = join(place.folder, 'agent')
    const which = ['--development', '--id', url, '--data', data]
    const args = ['agent-server', ...which, '--port', String(port)]
    const first = await place.start('agent server', args)
    const [made, ...none] = await kids(url)
    expect([made, none]).toEqual([expect.stringMatching(/^[\w-]{43}$/), []])
    expect(await run(['agent-server', 'invite', ...which])).toMatchObject({ code: 0 })
    expect(existsSync(join(data, 'keys.json'))).toBe(false)
    await ended(first)

    const fixed = await place.start('agent server', [...args, '--keys', join(data, 'keys.json'), '--replace-keys'])
    const [ofFile = ''] = await kids(url)
    expect(ofFile).toMatch(/^[\w-]{16}$/)
    await ended(fixed)

    await place.start('agent server', [...args, '--rotate-keys-every', '86400'])
    // The keys of the rotation before were ended, and the key of the file begins a new one.
    expect(await kids(url)).toEqual([ofFile])
  },
)

function ended(child: import('node:child_process').ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
