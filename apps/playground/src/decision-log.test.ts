import { AAuthError } from '@countersign/protocol'
import { expect, test, vi } from 'vitest'
import { decisionLog } from './decision-log.js'

test('a refused answer of a browser is logged with the agent and user it was about, like any refusal', () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const tell = decisionLog('rooms')
    const error = new AAuthError('access_denied', 'somebody else', { reason: 'user_refused' })
    const asking = {
      agent: 'https://agent.example',
      user: { iss: 'https://auth.example', sub: 'ada' },
      txn: 'journey-1',
    }
    tell({ type: 'refused', error, asking })
    const aauth = { level: 'authorized', agent: asking.agent, scope: ['a'], chain: [], txn: asking.txn } as const
    tell({ type: 'refused', error, aauth })
    const [first, second] = written.mock.calls.map(([line]) => JSON.parse(String(line)))
    expect(first).toMatchObject({ name: 'rooms', event: 'refused', code: 'access_denied', ...asking })
    expect(second).toMatchObject({ event: 'refused', agent: asking.agent, scope: ['a'], txn: 'journey-1' })
  } finally {
    written.mockRestore()
  }
})
