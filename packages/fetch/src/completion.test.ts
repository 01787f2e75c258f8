import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@countersign/testing/folders'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { completionScript, UsageError } from './internal.js'

const folder = temporaryFolder()

describe('completion', () => {
  const root = new Command('countersign').option('--verbose')
  root.command('fetch').option('-H, --header <line>')
  root.command('keys').command('new').option('--id <agent>')

  test('bash completes commands and flags of the level', () => {
    const complete = (...words: readonly string[]): string[] => {
      const set = `COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _countersign; printf '%s\\n' "\${COMPREPLY[@]}"`
      const { stdout } = spawnSync('bash', ['-c', `${completionScript('bash', root)}\n${set}`], { encoding: 'utf8' })
      return stdout.trim().split('\n')
    }
    expect(complete('countersign', 'f')).toEqual(['fetch'])
    expect(complete('countersign', 'fetch', '--he')).toEqual(['--header', '--help'])
    expect(complete('countersign', 'keys', 'new', '--i')).toEqual(['--id'])
  })

  const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0
  const without = (shell: string): string => (has(shell) ? '' : ` (skipped: there is no ${shell})`)

  test.skipIf(!has('zsh'))(`zsh completes the same by the same function${without('zsh')}`, () => {
    const complete = (...words: readonly string[]): string[] => {
      const set = `emulate sh; setopt ksharrays kshglob; COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _countersign; printf '%s\\n' "\${COMPREPLY[@]}"`
      const script = `compinit() { :; }; compdef() { :; }\n${completionScript('zsh', root)}\n${set}`
      const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' })
      expect(stderr).toBe('')
      // zsh itself leaves out what the word does not begin.
      return stdout
        .trim()
        .split('\n')
        .filter(word => word.startsWith(words.at(-1) ?? ''))
    }
    expect(complete('countersign', 'f')).toEqual(['fetch'])
    expect(complete('countersign', 'fetch', '--he')).toEqual(['--header', '--help'])
    expect(complete('countersign', 'keys', 'new', '--i')).toEqual(['--id'])
  })

  test.skipIf(!has('fish'))(`fish completes commands and flags of the level${without('fish')}`, () => {
    const file = join(folder, 'countersign.fish')
    writeFileSync(file, completionScript('fish', root))
    const complete = (line: string): string[] => {
      const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`], {
        encoding: 'utf8',
      })
      expect(stderr).toBe('')
      return stdout.trim().split('\n')
    }
    expect(complete('countersign f')).toEqual(['fetch'])
    expect(complete('countersign fetch --he')).toEqual(['--header', '--help'])
    expect(complete('countersign keys new --i')).toEqual(['--id'])
  })

  test('zsh uses the script for bash, fish its own; another shell is refused', () => {
    expect(() => completionScript('powershell', root)).toThrow(UsageError)
    expect(completionScript('zsh', root)).toMatch(
      /^\(\( \$\+functions\[compdef\] \)\) \|\| .*\nautoload -U \+X bashcompinit && bashcompinit\n_countersign\(\)/,
    )
    const fish = completionScript('fish', root).split('\n')
    expect(fish).toContain("complete -c countersign -n 'not __fish_seen_subcommand_from fetch keys' -a fetch")
    expect(fish).toContain("complete -c countersign -n '__fish_seen_subcommand_from fetch' -l header")
  })
})
