import { verifies } from '@countersign/requirements'
import type { Epoch } from '@countersign/store/internal'
import { expect, test } from 'vitest'
import type { AuthServerEvent } from '../event/event.js'
import { withEpoch } from './database-epoch.js'

test(verifies('restore.epoch', 'what a user narrows or turns off must not come back with an older database'), () => {
  const touched: string[] = []
  let type = ''
  const tell = withEpoch(undefined, { touch: () => touched.push(type) } as unknown as Epoch)
  const [agent, resource, user] = ['https://agent.example', 'https://calendar.example', 'ada']
  const events: AuthServerEvent[] = [
    { type: 'narrowed', user, grants: 1, agent, resource },
    { type: 'inbox_turned', user, on: false },
    { type: 'approvals_stopped', user, agent, resource },
    // To lose this one asks nobody's question without them.
    { type: 'approvals_allowed', user, agent, resource },
  ]
  for (const event of events) {
    type = event.type
    tell(event)
  }
  expect(touched).toEqual(['narrowed', 'inbox_turned', 'approvals_stopped'])
})
