import { CHROMIUM } from '../support/browser.ts';
import { testCeremonies } from '../support/ceremonies.ts';

// The npm package as published, unmodified, against this server.
testCeremonies('@beyondidentity/bi-sdk-js', CHROMIUM);
