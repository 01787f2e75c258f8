import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import type { AuthServerEvent } from '../event/event.js'
import { authServerKind } from './kind.js'

test(verifies('restore.epoch', 'what a user narrows or turns off must not come back with an older database'), () => {
  const [agent, resource, user] = ['https://agent.example', 'https://calendar.example', 'ada']
  const events: AuthServerEvent[] = [
    { type: 'narrowed', user, grants: 1, agent, resource },
    { type: 'inbox_turned', user, on: false },
    { type: 'approvals_stopped', user, agent, resource },
    // To lose this one asks nobody's question without them.
    { type: 'approvals_allowed', user, agent, resource },
  ]
  const undone = events.filter(event => authServerKind.isUndoneByRestore(event))
  expect(undone.map(({ type }) => type)).toEqual(['narrowed', 'inbox_turned', 'approvals_stopped'])
})
