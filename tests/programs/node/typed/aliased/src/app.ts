import { partWork } from '@parts/work';

for (let i = 0; i < 90; i++) partWork(1e6);
