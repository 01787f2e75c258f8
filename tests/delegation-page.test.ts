import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main } from '@countersign/cli'
import { explainCondition, parseConditions } from '@countersign/conditions'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test, vi } from 'vitest'
import { root } from './processes.fixture.js'

const page = readFileSync(join(root, 'docs/delegation.md'), 'utf8')

test('each command of the page says what the page says', async () => {
  const folder = temporaryFolder()
  for (const [, name = '', text = ''] of page.matchAll(/^```yaml (\S+)\n([\s\S]*?)^```$/gm))
    writeFileSync(join(folder, name), text)
  const commands = [...page.matchAll(/^```console\n\$ countersign (.*)\n([\s\S]*?)^```$/gm)]
  expect(commands.length).toBeGreaterThan(3)
  for (const [, command = '', expected] of commands) {
    const lines: string[] = []
    const spy = vi.spyOn(console, 'log').mockImplementation((line: unknown) => void lines.push(String(line)))
    const args = command.split(' ').map(arg => (arg.endsWith('.yaml') ? join(folder, arg) : arg))
    await main(['node', 'countersign', ...args])
    process.exitCode = undefined
    spy.mockRestore()
    expect(`${lines.join('\n')}\n`.replaceAll(`${folder}/`, ''), command).toBe(expected)
  }
})

test('each condition of the table reads as the table says, and all types are there', () => {
  const rows = [...page.matchAll(/^\| `(\{ "type".*\})` \| (.*) \|$/gm)]
  const told = rows.map(([, json = '']) => {
    const [condition] = parseConditions([JSON.parse(json)])
    return condition === undefined ? '' : explainCondition(condition, { language: 'en' })
  })
  expect(told).toEqual(rows.map(([, , sentence]) => sentence))
  expect(rows).toHaveLength(10)
})
