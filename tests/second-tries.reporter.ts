import type { TestError } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'

/**
 * Names, at the end of a run, the tests that failed and then passed at a second try, and tells why they failed: it may have been the
 * machine, or a fault that shows once in a while.
 */
export default class SecondTriesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const found = modules.flatMap(secondTriesOf)
    if (found.length > 0) console.log(`\nPassed at a second try:\n${found.join('\n')}`)
  }
}

function secondTriesOf(module: TestModule): string[] {
  return [...module.children.allTests('passed')].flatMap(test => {
    const [error] = test.result().errors ?? []
    return error === undefined ? [] : [`  ${module.relativeModuleId} > ${test.fullName}\n${whyOf(error)}`]
  })
}

/** The first lines of an error, in which a property tells its counterexample, and what caused it. */
function whyOf({ stack, message, cause }: TestError): string {
  const lines = (stack ?? message).split('\n').filter(line => !line.includes('/node_modules/'))
  const shown = [...lines.slice(0, 20), ...(cause === undefined ? [] : [`Caused by: ${cause.message}`])]
  return shown.map(line => `    ${line.length > 2000 ? `${line.slice(0, 2000)}…` : line}`).join('\n')
}
