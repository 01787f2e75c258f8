import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'
import { isLong } from './tier.fixture.js'
import { tutorials } from './tutorial.fixture.js'

// Every TypeScript block in Markdown and in the examples of comments compiles against the packages as they are; those of the README are also run (samples.long.ts).

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/delegation.md',
  'docs/enrolment.md',
  'docs/gateway.md',
  'docs/mcp.md',
  'docs/telemetry.md',
  ...tutorials,
  'bench/README.md',
  ...readmes('packages'),
  ...readmes('apps'),
  ...readmes('examples'),
]

function readmes(top: string): string[] {
  return readdirSync(root).includes(top)
    ? readdirSync(join(root, top), { withFileTypes: true })
        .filter(entry => entry.isDirectory() && readdirSync(join(root, top, entry.name)).includes('README.md'))
        .map(({ name }) => `${top}/${name}/README.md`)
    : []
}

/** The pages, and the examples in comments of sources. */
function texts(): Array<{ page: string; text: string }> {
  const sources = readdirSync(join(root, 'packages'))
    .flatMap(room =>
      readdirSync(join(root, 'packages', room, 'src'), { recursive: true }).map(file => `${room}/src/${file}`),
    )
    .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map(file => ({ page: `packages/${file}`, text: readFileSync(join(root, 'packages', file), 'utf8') }))
    .filter(({ text }) => text.includes(' * @example'))
    .map(({ page, text }) => ({ page, text: text.replace(/^ +\*(?: |$)/gm, '') }))
  return [...pages.map(page => ({ page, text: readFileSync(join(root, page), 'utf8') })), ...sources]
}

test('every TypeScript block in Markdown and in examples of comments compiles', async () => {
  // Inside the checkout, so that the packages are found as any dependency is.
  const folder = join(root, 'node_modules/.cache/countersign/markdown')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const blocks = texts().flatMap(({ page, text }) =>
    [...text.matchAll(/^```ts(?: (\S+))?.*\n([\s\S]*?)^```$/gm)].map(([, name, code = ''], index) => ({
      page,
      name: name ?? `${index}.ts`,
      code,
    })),
  )
  expect(blocks.length).toBeGreaterThan(5)
  for (const { page, name, code } of blocks) {
    // Blocks with a file name import each other, within their page.
    const place = join(folder, page.replaceAll(/[/.]/g, '-'))
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, name), `${code}\nexport {}\n`)
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    // The declarations of all dependencies take longer than the blocks.
    skipLibCheck: !isLong,
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*/*.ts'] }))
  const output = await new Promise<string>(resolve => {
    execFile(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], (_, stdout) =>
      resolve(stdout),
    )
  })
  expect(output).toBe('')
}, 60_000)
