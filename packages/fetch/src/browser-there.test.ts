import { expect, test } from 'vitest'
import { isBrowserThere } from './browser-there.js'

const PATH = '/usr/local/bin:/usr/bin'
const xdgOpen = (path: string): boolean => path === '/usr/bin/xdg-open'

test('a browser needs a program that opens it, and a screen that its user sees', () => {
  const there = (platform: string, env: Record<string, string>, isFile = xdgOpen): boolean =>
    isBrowserThere({ platform, env: { PATH, ...env } }, isFile)
  expect(there('linux', { DISPLAY: ':0' })).toBe(true)
  expect(there('linux', { WAYLAND_DISPLAY: 'wayland-0' })).toBe(true)
  expect(there('linux', { BROWSER: '/opt/editor/open' })).toBe(true)
  expect(there('linux', {})).toBe(false)
  expect(there('linux', { DISPLAY: '' })).toBe(false)
  expect(there('linux', { DISPLAY: ':0' }, () => false)).toBe(false)
  for (const platform of ['darwin', 'win32']) {
    expect(there(platform, {}, () => false)).toBe(true)
    expect(there(platform, { SSH_CONNECTION: '192.0.2.1 4000 192.0.2.2 22' })).toBe(false)
  }
})
