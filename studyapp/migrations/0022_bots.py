from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("studyapp", "0021_rare_trials_and_erasures"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(choices=[("generate", "Generate"), ("train", "Train"), ("report", "Report"), ("export", "Export"), ("bots", "Bots")], max_length=20),
        ),
    ]
