import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rules } from './alerts.fixture.js'
import { deployText, printedHere, services } from './deploy.fixture.js'
import { root } from './processes.fixture.js'

// What docs/operations.md tells an operator to type, and what it tells them to watch, exists.

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')

const stack = services()

/** The shell blocks of the page. */
const blocks = [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, code = '']) => code.replace(/^ +/gm, ''))

/** Their lines, without comments. */
const lines = blocks
  .flatMap(block => block.split('\n'))
  .map(line => line.replace(/\s+# .*$/, ''))
  .filter(line => line !== '')

test('each shell block is one that a shell can read', () => {
  expect(blocks.length).toBeGreaterThan(15)
  for (const block of blocks) {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: block, encoding: 'utf8' })
    expect(status, `${block}\n${stderr}`).toBe(0)
  }
  expect(spawnSync('sh', ['-n'], { input: 'echo "' }).status).not.toBe(0)
})

describe('the docker compose commands', () => {
  const compose = lines.filter(line => line.startsWith('docker compose '))
  const verbs = { exec: true, logs: true, run: true, start: true, stop: true, up: true }

  test('name services of compose.yaml', () => {
    expect(compose.length).toBeGreaterThan(15)
    for (const line of compose) {
      const [, , verb = '', ...words] = line.split(' ')
      expect(verbs, line).toHaveProperty(verb)
      // Of a run or exec the first plain word is the service, and what follows is the command in it.
      const plain = words.filter(
        (word, at) => !word.startsWith('-') && !/^--(name|entrypoint)$/.test(words[at - 1] ?? ''),
      )
      const named = verb === 'run' || verb === 'exec' ? plain.slice(0, 1) : plain
      for (const name of named) expect(stack, line).toHaveProperty([name])
      if (verb === 'run' || verb === 'exec') expect(named, line).toHaveLength(1)
    }
  })

  test('read configurations that are mounted in their service', () => {
    const reading = compose.filter(line => line.includes('/etc/countersign/'))
    expect(reading.length).toBeGreaterThan(8)
    for (const line of reading) {
      const [, service = '', file] = / (auth-1|agents|gateway) .*(\/etc\/countersign\/\w+\.yaml)/.exec(line) ?? []
      expect(
        stack[service]?.configs?.map(({ target }) => target),
        line,
      ).toEqual([file])
    }
  })
})

/** The arguments of every `countersign` that the page, or a file of deploy/, starts. */
function commands(): string[][] {
  const typed = lines.flatMap(line => {
    const [, direct] = /(?:^|(?:exec (?:agents|auth-1)|--) )countersign ([a-z-]+ .*)$/.exec(line) ?? []
    const [, inside] =
      /^docker compose run .*?(?:auth-1|agents|gateway) ((?:auth-server|agent-server|gateway) .*)$/.exec(line) ?? []
    return [direct ?? inside].filter(text => text !== undefined).map(words)
  })
  const composed = Object.values(stack).flatMap(({ image, entrypoint, command }) =>
    image === 'countersign' && entrypoint === undefined && command !== undefined ? [[...command]] : [],
  )
  const [, unit = ''] =
    /^ExecStart=\/usr\/bin\/countersign (.*)$/m.exec(deployText('systemd/countersign@.service')) ?? []
  const units = ['auth-server', 'agent-server', 'gateway'].map(name => words(unit.replaceAll('%i', name)))
  const chart = ['auth-server', '--config', '/etc/countersign/config.yaml', '--init']
  return [...typed, ...composed, ...units, chart]
}

function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

/** Commands alike in all but their values are parsed once. */
function distinct(all: readonly string[][]): string[][] {
  const shape = (args: readonly string[]) => args.filter(word => /^(-|[a-z-]+$)/.test(word)).join(' ')
  return [...new Map(all.map(args => [shape(args), args])).values()]
}

test('every command line is one that the command knows, and a misspelt flag would be noticed', async () => {
  const all = distinct(commands())
  expect(all.length).toBeGreaterThan(12)
  // The parser names the first option that it does not know: where that is ours, it knows all before.
  const firstUnknown = async (args: readonly string[]) => {
    const { err } = await printedHere([...args, '--unknown-to-all'])
    return [args.join(' '), /unknown option '(\S+?)'/.exec(err)?.[1] ?? err]
  }
  for (const args of all) expect(await firstUnknown(args)).toEqual([args.join(' '), '--unknown-to-all'])
  expect(await firstUnknown(['auth-server', '--confg', 'x'])).toEqual(['auth-server --confg x', '--confg'])
})

test('the page lists the alerts of rules.yaml, each with its severity, and quotes none of them', () => {
  const [, section = ''] = /^## Metrics$([\s\S]*?)^## /m.exec(page) ?? []
  const listed = [...section.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, alert, severity]) => [alert, severity])
  const all = Object.values(rules()).flat()
  const ours = all.map(({ alert, labels }) => [alert, labels['severity']])
  expect(new Map(listed as [string, string][])).toEqual(new Map(ours as [string, string][]))
  expect(listed).toHaveLength(ours.length)
  expect(page).not.toContain('expr:')
})

test('every record and metric of the alerts is one that the code writes', () => {
  const [, alerts = ''] = /^### Alerts$([\s\S]*)/m.exec(page) ?? []
  const rows = [...alerts.matchAll(/^\| (.*?) \| .* \| .* \|$/gm)].map(([, first = '']) => first)
  const names = rows.flatMap(first => [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
  const ours = names.filter(name => !['/readyz', 'status', 'peer'].includes(name))
  expect(ours.length).toBeGreaterThan(25)
  const code = readdirSync(join(root, 'packages'))
    .flatMap(room =>
      readdirSync(join(root, 'packages', room, 'src'), { recursive: true }).map(file => `${room}/src/${file}`),
    )
    .filter(file => /(?<!\.test)\.ts$/.test(file))
    .map(file => readFileSync(join(root, 'packages', file), 'utf8'))
    .join('\n')
  for (const name of ours) expect(code.includes(`'${name}'`), name).toBe(true)
  expect(code.includes("'never_written'")).toBe(false)
})
