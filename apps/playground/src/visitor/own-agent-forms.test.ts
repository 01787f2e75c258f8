import { expect, test } from 'vitest'
import type { Participants } from '../participants.js'
import { formsFor } from './own-agent-forms.js'

const participants = {
  addresses: {
    agentServer: 'http://localhost:1',
    authServer: 'http://localhost:2',
    calendar: 'http://localhost:3',
    tools: 'http://localhost:4',
  },
  folder: "/tmp/it's here",
  countersign: '/a folder/countersign.js',
} as unknown as Participants

const [terminal, typescript, mcp] = formsFor(participants, { code: 'c1', sub: 'mine', expires: 0 })

test('a line for a terminal, whose words are quoted where a shell would split them', () => {
  const flags =
    "'http://localhost:3/events?latest=1' --as delegate --id http://localhost:1 --code c1 --auth-server http://localhost:2 --state mine --development -v"
  expect(terminal?.text).toBe(`node '/a folder/countersign.js' fetch ${flags}`)
  expect(terminal?.npm).toBe(`npx -y @countersign/fetch ${flags}`)
})

test('a program that needs nothing installed, and the same with packages', () => {
  expect(typescript?.text).toMatch(/from 'file:\/\/\/\S+\/packages\/agent\/dist\/index\.js'/)
  expect(typescript?.text).toMatch(/from 'file:\/\/\/\S+\/packages\/agent\/dist\/node\.js'/)
  expect(typescript?.npm).toContain("from '@countersign/agent'")
  expect(typescript?.text).toContain("enroll: { type: 'code', code: 'c1' }")
})

test('a configuration of an MCP client in JSON, whatever the folders are called', () => {
  const { command, args } = JSON.parse(mcp?.text ?? '').mcpServers.playground
  expect(command).toBe(process.execPath)
  expect(args.slice(0, 3)).toEqual(['/a folder/countersign.js', 'mcp-bridge', 'http://localhost:4/mcp'])
  expect(args.slice(-3)).toEqual(['--state', "/tmp/it's here/mine", '--development'])
  expect(JSON.parse(mcp?.npm ?? '').mcpServers.playground.args.slice(0, 2)).toEqual(['-y', '@countersign/mcp-bridge'])
})
