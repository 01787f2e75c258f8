import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openBrowser } from './open-browser.js'

// The program that opens URLs is one that writes down what it got, found as the real one is: by PATH.
const { PATH = '' } = process.env
const onLinux = process.platform === 'linux'
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-open-'))
  process.env['PATH'] = folder
})

afterEach(async () => {
  process.env['PATH'] = PATH
  await rm(folder, { recursive: true, force: true })
})

async function opener(): Promise<() => Promise<string[]>> {
  const [program, log] = [join(folder, 'xdg-open'), join(folder, 'log')]
  await writeFile(
    program,
    `#!/bin/sh\nfor argument in "$@"; do printf '%s\\n' "$argument"; done > '${log}.part'\n/bin/mv '${log}.part' '${log}'\n`,
  )
  await chmod(program, 0o755)
  return async () => {
    await expect.poll(() => readFile(log, 'utf8').catch(() => '')).not.toBe('')
    return (await readFile(log, 'utf8')).trimEnd().split('\n')
  }
}

describe.runIf(onLinux)('openBrowser', () => {
  test.each([
    ['https://auth.example/authorize?a=1&b=2', 'https://auth.example/authorize?a=1&b=2'],
    ['http://127.0.0.1:4120/authorize', 'http://127.0.0.1:4120/authorize'],
    // What a shell would run is text.
    [
      'https://auth.example/$(touch owned)?`id`&x=;reboot|cat',
      'https://auth.example/$(touch%20owned)?`id`&x=;reboot|cat',
    ],
    ["https://auth.example/';ls'", "https://auth.example/';ls'"],
  ])(
    verifies('CLI-07', 'agent.checks.user-url', 'opens %s, as one argument and without a shell'),
    async (url, opened) => {
      const read = await opener()
      await openBrowser(url)
      expect(await read()).toEqual([opened])
    },
  )

  test.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'ms-settings:privacy',
    '--help',
    '-h',
    '$(touch owned)',
    'http://auth.example/authorize',
    'https://bank.example@evil.example/',
    'data:text/html,hello',
    '/etc/passwd',
    '',
  ])(verifies('CLI-07', 'agent.checks.user-url', 'starts nothing for %j'), async url => {
    await opener()
    await expect(openBrowser(url)).rejects.toBeInstanceOf(TypeError)
    await expect(readFile(join(folder, 'log'), 'utf8')).rejects.toThrow()
  })

  test('no program that opens it: an error without the URL', async () => {
    const error: unknown = await openBrowser('https://auth.example/?request_token=secret').catch((e: unknown) => e)
    expect(String(error)).toBe('Error: xdg-open could not be started')
    expect(JSON.stringify(error)).not.toContain('secret')
  })
})
