import { testCeremonies } from '../support/ceremonies.ts';

testCeremonies('@keymoor/sdk');
