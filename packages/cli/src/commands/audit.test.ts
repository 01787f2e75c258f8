import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { jsonLog } from '@countersign/server'
import { expect, test } from 'vitest'
import { audit } from './audit.js'

test(verifies('LOG-04', 'a decision is one record, each member once, and nothing of what a stranger sent'), () => {
  const lines: string[] = []
  const tell = audit(jsonLog({ name: 'gateway', write: line => lines.push(line) }))
  const aauth = { level: 'pseudonymous', scope: [], chain: [], key: 'thumbprint' } as const
  const error = new AAuthError('policy_denied', 'not here', { cause: 'what a stranger sent' })
  tell({ type: 'passed', aauth })
  tell({ type: 'refused', error, aauth })
  expect(lines.length).toBe(2)
  for (const line of lines) {
    const names = [...line.matchAll(/"([a-z_]+)":/g)].map(([, name]) => name)
    expect(new Set(names).size, line).toBe(names.length)
    expect(JSON.parse(line)).toMatchObject({ level: 'info', name: 'gateway', aauth_level: 'pseudonymous' })
  }
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ code: 'policy_denied', status: 403, description: 'not here' })
  expect(lines.join('')).not.toContain('stranger')
  tell({ type: 'refused', error: new AAuthError('server_error', 'a bug', { cause: new TypeError('no such thing') }) })
  expect(JSON.parse(lines[2] ?? '').cause).toMatchObject({ type: 'TypeError', message: 'no such thing' })
})

test(verifies('delegate.rotate.alarm', 'a rotation is a record, and an alarm one that a watchman sees'), () => {
  const lines: string[] = []
  const tell = audit(jsonLog({ name: 'agent-server', write: line => lines.push(line) }))
  tell({ type: 'rotated', sub: 'phone', jkt: 'new', previous_jkt: 'old', peer: '192.0.2.7' })
  tell({ type: 'alarm', reason: 'replaced-key', sub: 'phone', jkt: 'old' })
  const [rotated, alarm] = lines.map(line => JSON.parse(line))
  expect(rotated).toMatchObject({ level: 'info', event: 'rotated', sub: 'phone', jkt: 'new', previous_jkt: 'old' })
  expect(alarm).toMatchObject({ level: 'warn', event: 'alarm', reason: 'replaced-key', sub: 'phone', jkt: 'old' })
  expect(alarm).not.toHaveProperty('type')
})
