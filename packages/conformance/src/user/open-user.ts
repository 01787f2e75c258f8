import type { UserConfiguration } from '../config/user-configuration.js'
import { openChromium } from './chromium-user.js'
import { commandUser } from './command-user.js'
import { templateUser } from './template-user.js'
import type { User } from './user.js'

/** Opens the user of a configuration. */
export function openUser(configuration: UserConfiguration): User {
  switch (configuration.by) {
    case 'command':
      return commandUser(configuration)
    case 'template':
      return templateUser(configuration)
    case 'chromium':
      return openChromium(configuration)
  }
}
